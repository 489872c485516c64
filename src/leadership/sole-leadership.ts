import type { Clock } from '../platform/clock.js';
import { LeaderTasks } from './leader-tasks.js';
import { Leadership, type LeadershipStatus, type LeaderTask } from './leadership.js';

/** Leads from start to stop: for one replica alone. */
export class SoleLeadership extends Leadership {
  private readonly tasks: LeaderTasks;
  private readonly end = new AbortController();
  private running?: Promise<void>;
  private isLeader = false;

  constructor(
    clock: Clock,
    private readonly identity: string,
  ) {
    super();
    this.tasks = new LeaderTasks(clock);
  }

  add(task: LeaderTask): void {
    this.tasks.add(task);
  }

  /** There is nobody to leave it to. */
  standWhile(): void {}

  status(): LeadershipStatus {
    return this.isLeader ? { isLeader: true, leader: this.identity, renewedMsAgo: 0 } : { isLeader: false };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- there is nobody to wait for
  async start(): Promise<void> {
    if (this.running || this.end.signal.aborted) return;
    this.isLeader = true;
    this.tasks.close();
    this.running = this.tasks.run(this.end.signal);
  }

  async stop(): Promise<void> {
    this.end.abort();
    await this.running;
    this.isLeader = false;
  }
}
