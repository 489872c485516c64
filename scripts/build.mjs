/**
 * src → dist, file by file. Types are stripped here and checked by `npm run typecheck`, so that a start waits for what
 * it needs alone. What has not changed is left as it is: a Berth that runs from dist may be loading it.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { transformFile } from '@swc/core';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = join(ROOT, 'src');
const DIST = join(ROOT, 'dist');

const sources = (await filesIn(SRC)).filter((name) => /(?<!\.spec|\.contract)\.ts$/.test(name));
const built = new Map((await Promise.all(sources.map(build))).flat());
for (const [name, text] of built) await writeChanged(join(DIST, name), text);
for (const name of await filesIn(DIST)) if (!built.has(name)) await rm(join(DIST, name), { force: true });

async function build(source) {
  const name = source.replace(/\.ts$/, '.js');
  const { code, map } = await transformFile(join(SRC, source), { cwd: ROOT, outputPath: join(DIST, name) });
  return [
    [name, `${code}\n//# sourceMappingURL=${name.split('/').at(-1)}.map\n`],
    [`${name}.map`, map],
  ];
}

async function filesIn(folder) {
  await mkdir(folder, { recursive: true });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
}

async function writeChanged(path, text) {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
