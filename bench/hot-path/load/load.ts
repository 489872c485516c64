import type { ChildProcess } from 'node:child_process';

import { messageOf, startTalking, stop } from '../programs.js';
import type { Job, Outcome } from './job.js';

/** The load generator, from the outside. */
export class Load {
  private readonly child: ChildProcess = startTalking('load', 'bench/hot-path/load/generator.ts');

  run(job: Job): Promise<Outcome> {
    this.child.send(job);
    return messageOf<Outcome>(this.child);
  }

  stop(): Promise<void> {
    return stop(this.child, 'SIGKILL');
  }
}
