import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { eventually } from '../../test/support/eventually.js';

const SOURCES = pathToFileURL(join(process.cwd(), 'test/support/typescript.mjs')).href;
const LOGGER = pathToFileURL(join(__dirname, 'logger.ts')).href;
/** More than a pipe holds. */
const LONG = 2_000_000;
const LAST_AFTER_MS = 100;
const READ_AFTER_MS = 2_000;

describe('the log', () => {
  it('has its last line written also when that came while an earlier one was on its way', async () => {
    const program = `
      const { createLogger } = await import(${JSON.stringify(LOGGER)});
      const logger = createLogger('info');
      logger.info({ event: 'long', text: 'x'.repeat(${LONG}) });
      setTimeout(() => logger.info({ event: 'last' }), ${LAST_AFTER_MS});
      setInterval(() => undefined, 1_000);
    `;
    const child = spawn(process.execPath, ['--import', SOURCES, '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // Nobody reads for so long that the last line has waited for its turn in vain.
    await new Promise((resolve) => setTimeout(resolve, READ_AFTER_MS));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    try {
      await eventually(() => expect(text.slice(LONG)).toContain('"last"'));
    } finally {
      child.kill('SIGKILL');
    }
  });
});
