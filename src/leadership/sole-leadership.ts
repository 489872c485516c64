import { Clock, pause } from '../platform/clock.js';
import { Leadership, type LeadershipStatus, type LeaderTask } from './leadership.js';

const RUN_AGAIN_AFTER_MS = 1_000;

/** Leads from start to stop: for one replica alone. */
export class SoleLeadership extends Leadership {
  private readonly tasks: LeaderTask[] = [];
  private readonly running: Promise<void>[] = [];
  private readonly end = new AbortController();
  private isLeader = false;

  constructor(
    private readonly clock: Clock,
    private readonly identity: string,
  ) {
    super();
  }

  add(task: LeaderTask): void {
    if (this.isLeader) throw new Error(`task ${task.name} was added after the start`);
    this.tasks.push(task);
  }

  status(): LeadershipStatus {
    return this.isLeader ? { isLeader: true, leader: this.identity, renewedMsAgo: 0 } : { isLeader: false };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- there is nobody to wait for
  async start(): Promise<void> {
    if (this.isLeader || this.end.signal.aborted) return;
    this.isLeader = true;
    for (const task of this.tasks) this.running.push(this.keepRunning(task));
  }

  async stop(): Promise<void> {
    this.end.abort();
    await Promise.all(this.running);
    this.isLeader = false;
  }

  private async keepRunning(task: LeaderTask): Promise<void> {
    while (!this.end.signal.aborted) {
      try {
        return await task.run(this.end.signal);
      } catch {
        // A task reports its own failures; what is left to do here is to give it another try.
      }
      await pause(this.clock, RUN_AGAIN_AFTER_MS, this.end.signal);
    }
  }
}
