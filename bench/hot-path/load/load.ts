import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { start, stop } from '../programs.js';
import type { Job, Outcome } from './job.js';

const TYPESCRIPT = join(process.cwd(), 'test/support/typescript.mjs');
const GENERATOR = join(process.cwd(), 'bench/hot-path/load/generator.ts');

/** The load generator, from the outside. */
export class Load {
  private readonly child: ChildProcess;

  constructor() {
    const command = [process.execPath, '--import', TYPESCRIPT, GENERATOR];
    this.child = start('load', command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  async run(job: Job): Promise<Outcome> {
    this.child.send(job);
    const limit = new AbortController();
    const ended = once(this.child, 'exit', { signal: limit.signal }).then(() => undefined);
    const told = await Promise.race([once(this.child, 'message'), ended]);
    limit.abort();
    ended.catch(() => undefined);
    if (!told) throw new Error('the load generator died');
    return told[0] as Outcome;
  }

  stop(): Promise<void> {
    return stop(this.child, 'SIGKILL');
  }
}
