import 'reflect-metadata';

import { flushCompileCache } from 'node:module';

const OLDEST_NODE_MAJOR = 24;

/** Before anything else is loaded: some of it cannot even be imported by an older Node. */
const major = Number(process.versions.node.split('.')[0]);
if (major < OLDEST_NODE_MAJOR) {
  process.stderr.write(
    `Berth needs Node ${OLDEST_NODE_MAJOR} or newer and this is ${process.version}; \`npm start\` uses the right one.\n`,
  );
  process.exit(1);
}

void import('./bootstrap.js')
  .then(({ bootstrap }) => bootstrap())
  // Where NODE_COMPILE_CACHE names a folder, the next start compiles nothing; not only after a clean end of this one.
  .then(() => flushCompileCache());
