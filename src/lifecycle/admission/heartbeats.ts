import type { Clock, Timer } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';

/** A beat has to be there before the window is over, or what is in constant use would be entered through the store. */
const PART_OF_THE_WINDOW = 0.8;
const SHORTEST_PAUSE_MS = 20;
const TRY_AGAIN_MS = 1_000;

/**
 * When to beat. All sessions whose touch window is equally long beat together, whenever each of them was entered: one
 * call per period, for however many there are. Beats do not overlap.
 */
export class Heartbeats {
  /** When the sessions of each window beat next, by the monotonic clock. */
  private readonly nextAtMs = new Map<number, number>();
  private timer?: Timer;
  private isBeating = false;
  private isStopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly beat: (windows: ReadonlySet<number>) => Promise<void>,
    private readonly logger: Logger,
  ) {}

  /** A session with this window was touched then. */
  touched(windowMs: number, atMs: number): void {
    this.beatBy(windowMs, atMs + windowMs * PART_OF_THE_WINDOW);
  }

  unanswered(windowMs: number): void {
    this.beatBy(windowMs, this.clock.monotonicMs() + TRY_AGAIN_MS);
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
  }

  private beatBy(windowMs: number, atMs: number): void {
    if (atMs >= (this.nextAtMs.get(windowMs) ?? Infinity)) return;
    this.nextAtMs.set(windowMs, atMs);
    this.setTimer();
  }

  private setTimer(): void {
    if (this.isBeating || this.isStopped) return;
    this.timer?.cancel();
    if (this.nextAtMs.size === 0) return;
    const inMs = Math.min(...this.nextAtMs.values()) - this.clock.monotonicMs();
    this.timer = this.clock.after(Math.max(SHORTEST_PAUSE_MS, inMs), () => void this.beatOnTime());
  }

  private async beatOnTime(): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    const due = [...this.nextAtMs].filter(([, atMs]) => atMs <= nowMs).map(([windowMs]) => windowMs);
    for (const windowMs of due) this.nextAtMs.delete(windowMs);
    this.isBeating = true;
    try {
      await this.beat(new Set(due));
    } catch (error) {
      // What is in use must not be forgotten for a fault of ours.
      this.logger.error({ event: 'heartbeat.broken', error });
      for (const windowMs of due) this.unanswered(windowMs);
    }
    this.isBeating = false;
    this.setTimer();
  }
}
