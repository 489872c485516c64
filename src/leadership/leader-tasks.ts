import { type Clock, pause } from '../platform/clock.js';
import type { LeaderTask } from './leadership.js';

const RUN_AGAIN_AFTER_MS = 1_000;

/** The tasks of the leader: all begin with a term, each runs until its signal, and what throws is run again. */
export class LeaderTasks {
  private readonly tasks: LeaderTask[] = [];
  private readonly busy = new Set<LeaderTask>();
  private isClosed = false;

  constructor(private readonly clock: Clock) {}

  add(task: LeaderTask): void {
    if (this.isClosed) throw new Error(`task ${task.name} was added after the start`);
    this.tasks.push(task);
  }

  /** No task is added any more. */
  close(): void {
    this.isClosed = true;
  }

  /** Names of the tasks that have not returned. */
  get running(): string[] {
    return [...this.busy].map(({ name }) => name);
  }

  /** Resolves when all have returned. */
  async run(whileLeading: AbortSignal): Promise<void> {
    await Promise.all(this.tasks.map((task) => this.keepRunning(task, whileLeading)));
  }

  private async keepRunning(task: LeaderTask, whileLeading: AbortSignal): Promise<void> {
    this.busy.add(task);
    while (!whileLeading.aborted) {
      try {
        await task.run(whileLeading);
        break;
      } catch {
        // A task reports its own failures; what is left to do here is to give it another try.
      }
      await pause(this.clock, RUN_AGAIN_AFTER_MS, whileLeading);
    }
    this.busy.delete(task);
  }
}
