/**
 * A piece of work that is done again and again, as long as the program runs: after a success when the work itself says,
 * after a failure by the back-off, and out of turn when somebody asks. Never twice at once. Whoever asks while it is
 * under way gets a turn that begins later: what is under way may have looked before the change that made him ask.
 *
 * A pause is measured on both clocks: a machine that was asleep has a clock that went on and one that did not, and
 * what it has to renew did not sleep.
 */
import type { Clock, Timer } from '../platform/clock.js';
import type { Randomness } from '../platform/randomness.js';
import { retryAfterMs } from './renewal.js';

/** The pause before the next turn, Infinity: only when asked for. */
export type Work = () => Promise<number>;

export interface Means {
  clock: Clock;
  randomness: Randomness;
}

/** Longer pauses are waited in pieces, so that a jump of the wall clock is noticed. */
const LONGEST_PIECE_MS = 60_000;

export class Repetition {
  private timer?: Timer;
  private failures = 0;
  private running?: Promise<void>;
  private queued?: Promise<void>;
  private isStopped = false;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly work: Work,
    private readonly means: Means,
    /** Longer than this it does not pause after a failure. */
    private readonly longestRetryMs = Infinity,
  ) {}

  /** Begins, and resolves after the first turn that did not fail, however many that takes. */
  untilDone(): Promise<void> {
    const done = new Promise<void>((resolve) => this.waiting.push(resolve));
    void this.now().catch(() => undefined);
    return done;
  }

  /** A turn out of turn; rejects when it fails, and is tried again all the same. */
  now(): Promise<void> {
    if (!this.running) return this.turn();
    const next = (): Promise<void> => this.running ?? this.turn();
    this.queued ??= this.running.then(next, next);
    return this.queued;
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
  }

  private turn(): Promise<void> {
    this.timer?.cancel();
    this.queued = undefined;
    this.running = this.once().finally(() => (this.running = undefined));
    return this.running;
  }

  private async once(): Promise<void> {
    if (this.isStopped) return;
    try {
      const pauseMs = await this.work();
      this.failures = 0;
      this.again(pauseMs);
      for (const resolve of this.waiting.splice(0)) resolve();
    } catch (error) {
      this.failures += 1;
      const pauseMs = retryAfterMs(this.failures, this.means.randomness.fraction());
      this.again(Math.min(pauseMs, this.longestRetryMs));
      throw error;
    }
  }

  private again(pauseMs: number): void {
    if (this.isStopped || pauseMs === Infinity) return;
    const { clock } = this.means;
    const due = { monotonicMs: clock.monotonicMs() + pauseMs, wallMs: clock.nowMs() + pauseMs };
    const wait = (): void => {
      const leftMs = Math.min(due.monotonicMs - clock.monotonicMs(), due.wallMs - clock.nowMs());
      if (leftMs <= 0) return void this.turn().catch(() => undefined);
      this.timer = clock.after(Math.min(leftMs, LONGEST_PIECE_MS), wait);
    };
    wait();
  }
}
