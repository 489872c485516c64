import { SchedulerRegistry } from '@nestjs/schedule';

import type { LeaderTask } from '../../leadership/leadership.js';
import { Logger } from '../../platform/logger.js';
import { isOutage } from '../lifecycle.errors.js';

/** Leader-only work that is done in passes. One pass can be called by itself; it answers when the next is due. */
export interface LeaderPass {
  readonly name: string;
  pass(whileLeading: AbortSignal): Promise<{ againInMs: number }>;
}

const AFTER_A_FAILURE_MS = 1_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls a pass again and again while this replica leads; never two at once. Its timer stands in the Nest scheduler. */
export class RepeatedPass implements LeaderTask {
  readonly name: string;
  private wake: () => void = () => {};
  private dueAtMs = Infinity;

  constructor(
    private readonly work: LeaderPass,
    private readonly registry: SchedulerRegistry,
    private readonly logger: Logger,
  ) {
    this.name = work.name;
  }

  async run(whileLeading: AbortSignal): Promise<void> {
    while (!whileLeading.aborted) await this.pause(await this.passSafely(whileLeading), whileLeading);
  }

  /** Something came up: the next pass is due no later than this. */
  hasten(inMs: number): void {
    if (performance.now() + inMs >= this.dueAtMs) return;
    this.dueAtMs = performance.now() + inMs;
    this.setTimer(inMs);
  }

  private async passSafely(whileLeading: AbortSignal): Promise<number> {
    try {
      return (await this.work.pass(whileLeading)).againInMs;
    } catch (error) {
      if (!isOutage(error)) this.logger.error({ event: 'leader.pass-failed', task: this.name, error });
      return AFTER_A_FAILURE_MS;
    }
  }

  private pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.wake = () => {
        this.clearTimer();
        this.dueAtMs = Infinity;
        signal.removeEventListener('abort', this.wake);
        resolve();
      };
      this.dueAtMs = performance.now() + ms;
      this.setTimer(ms);
      if (signal.aborted) this.wake();
      else signal.addEventListener('abort', this.wake, { once: true });
    });
  }

  private setTimer(ms: number): void {
    this.clearTimer();
    const timer = setTimeout(() => this.wake(), Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    this.registry.addTimeout(this.name, timer.unref());
  }

  private clearTimer(): void {
    if (this.registry.doesExist('timeout', this.name)) this.registry.deleteTimeout(this.name);
  }
}
