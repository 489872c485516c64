import type { LeaderTask } from '../../leadership/leadership.js';
import { Clock, type Timer } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { isOutage } from '../lifecycle.errors.js';

/** Leader-only work that is done in passes. One pass can be called by itself; it answers when the next is due. */
export interface LeaderPass {
  readonly name: string;
  pass(whileLeading: AbortSignal): Promise<{ againInMs: number }>;
}

/** Calls back once, after `ms`; one timer per name. */
export interface PassTimers {
  after(name: string, ms: number, run: () => void): Timer;
}

const AFTER_A_FAILURE_MS = 1_000;

/** Calls a pass again and again while this replica leads; never two at once. */
export class RepeatedPass implements LeaderTask {
  readonly name: string;
  private timer?: Timer;
  private wake?: () => void;
  private dueAtMs = Infinity;

  constructor(
    private readonly work: LeaderPass,
    private readonly timers: PassTimers,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.name = work.name;
  }

  async run(whileLeading: AbortSignal): Promise<void> {
    while (!whileLeading.aborted) {
      this.dueAtMs = Infinity;
      const againInMs = await this.passSafely(whileLeading);
      await this.pauseUntil(Math.min(this.dueAtMs, this.clock.monotonicMs() + againInMs), whileLeading);
    }
  }

  /** Something came up: the next pass is due no later than this. What comes up during a pass is seen by the next. */
  hasten(inMs: number): void {
    const atMs = this.clock.monotonicMs() + inMs;
    if (atMs >= this.dueAtMs) return;
    this.dueAtMs = atMs;
    if (this.wake) this.setTimer();
  }

  private async passSafely(whileLeading: AbortSignal): Promise<number> {
    try {
      return (await this.work.pass(whileLeading)).againInMs;
    } catch (error) {
      if (!isOutage(error)) this.logger.error({ event: 'leader.pass-failed', task: this.name, error });
      return AFTER_A_FAILURE_MS;
    }
  }

  private async pauseUntil(atMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.dueAtMs = atMs;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      signal.addEventListener('abort', this.wake, { once: true });
      this.setTimer();
    });
    if (this.wake) signal.removeEventListener('abort', this.wake);
    this.wake = undefined;
    this.timer?.cancel();
  }

  private setTimer(): void {
    this.timer?.cancel();
    const inMs = Math.max(0, this.dueAtMs - this.clock.monotonicMs());
    this.timer = this.timers.after(this.name, inMs, () => this.wake?.());
  }
}
