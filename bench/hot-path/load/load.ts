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
    const ended = once(this.child, 'exit').then(() => Promise.reject(new Error('the load generator died')));
    const [outcome] = (await Promise.race([once(this.child, 'message'), ended])) as [Outcome];
    return outcome;
  }

  stop(): Promise<void> {
    return stop(this.child, 'SIGKILL');
  }
}
