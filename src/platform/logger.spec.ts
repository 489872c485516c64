import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { eventually } from '../../test/support/eventually.js';

const SOURCES = pathToFileURL(join(process.cwd(), 'test/support/typescript.mjs')).href;
const LOGGER = pathToFileURL(join(__dirname, 'logger.ts')).href;

describe('the log', () => {
  let child: ChildProcess;
  afterEach(() => void child.kill('SIGKILL'));

  /** A program that logs, in a process of its own: the log is what its standard output is. */
  function running(statements: string): ChildProcess {
    const program = `
      const { createLogger } = await import(${JSON.stringify(LOGGER)});
      const logger = createLogger('info');
      ${statements}
      setInterval(() => undefined, 1_000);`;
    return spawn(process.execPath, ['--import', SOURCES, '--input-type=module', '-e', program]);
  }

  function textOf(stream: ChildProcess['stdout']): () => string {
    let text = '';
    stream!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    return () => text;
  }

  it('has its last line written also when that came while an earlier one was on its way', async () => {
    const longerThanPipesHold = 2_000_000;
    child = running(`
      logger.info({ event: 'long', text: 'x'.repeat(${longerThanPipesHold}) });
      setTimeout(() => logger.info({ event: 'last' }), 100);
      setTimeout(() => process.stderr.write('asked in vain'), 400);`);
    await eventually(() => expect(child.stderr!.readableLength).toBeGreaterThan(0));
    const text = textOf(child.stdout);
    await eventually(() => expect(text().slice(longerThanPipesHold)).toContain('"last"'));
  });

  it('has its last lines written also when the process ends without closing it', async () => {
    child = running(`
      logger.info({ event: 'first' });
      logger.info({ event: 'last' });
      process.exit(3);`);
    const text = textOf(child.stdout);
    await eventually(() => expect(text()).toMatch(/"first".*\n.*"last".*\n$/));
  });

  it('has them written also when a write is under way then, and when they are more than a pipe holds', async () => {
    const lines = 5_000;
    child = running(`
      logger.warn({ event: 'first' });
      for (let at = 0; at < ${lines}; at += 1) logger.info({ event: 'long', text: 'x'.repeat(100) });
      process.exit(3);`);
    const text = textOf(child.stdout);
    await eventually(() => expect(text().split('\n').length - 1).toBe(lines + 1));
  });

  it('does not keep a process from its exit when nobody reads', async () => {
    child = running(`
      for (let at = 0; at < 5_000; at += 1) logger.info({ event: 'long', text: 'x'.repeat(100) });
      process.exit(3);`);
    const code = new Promise((resolve) => child.once('exit', resolve));
    await expect(code).resolves.toBe(3);
  });

  it('is closed when all of it is written, and takes no more then', async () => {
    child = running(`
      process.stdin.once('data', async () => {
        logger.info({ event: 'long', text: 'x'.repeat(2_000_000) });
        logger.info({ event: 'last' });
        await logger.close();
        logger.info({ event: 'late' });
        process.exit(0);
      });`);
    const text = textOf(child.stdout);
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.stdin!.write('now');
    await ended;
    expect(text().length).toBeGreaterThan(2_000_000);
    expect(text()).toMatch(/"last".*\n$/);
  });

  it('is not tried again and again once whoever read it has gone', async () => {
    child = running(`
      const { default: fs } = await import('node:fs');
      const { write } = fs;
      let writes = 0;
      fs.write = (...what) => (writes++, write(...what));
      process.stdin.once('data', () => {
        logger.info({ event: 'first' });
        setTimeout(() => logger.info({ event: 'second' }), 200);
        setTimeout(() => process.stderr.write(String(writes)), 1_000);
      });`);
    child.stdout!.destroy();
    child.stdin!.write('now');
    const text = textOf(child.stderr);
    await eventually(() => expect(text()).not.toBe(''));
    expect(Number(text())).toBeLessThan(3);
  });
});
