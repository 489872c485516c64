import { Clock, type Timer } from '../../src/platform/clock.js';

interface Waiting {
  atMonotonicMs: number;
  /** Of two timers for the same moment the one set first fires first. */
  order: number;
  run: () => void;
}

/** A moment in 2027; only differences matter. */
const START_MS = 1_800_000_000_000;

/** Time that passes only when a test says so. `advance` is the only thing that makes timers fire. */
export class FakeClock extends Clock {
  private elapsedMs = 0;
  private orders = 0;
  private readonly waiting = new Set<Waiting>();

  constructor(private wallStartMs = START_MS) {
    super();
  }

  nowMs(): number {
    return this.wallStartMs + this.elapsedMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(ms: number, run: () => void): Timer {
    const timer = { atMonotonicMs: this.elapsedMs + Math.max(ms, 0), order: this.orders++, run };
    this.waiting.add(timer);
    return { cancel: () => void this.waiting.delete(timer) };
  }

  /** Timers that have neither fired nor been cancelled. */
  get pendingTimers(): number {
    return this.waiting.size;
  }

  /** Lets `ms` pass: due timers fire in order, and what each sets off settles before the next one fires. */
  async advance(ms: number): Promise<void> {
    const endMs = this.elapsedMs + ms;
    await settled();
    for (let next = this.firstUntil(endMs); next; next = this.firstUntil(endMs)) {
      this.waiting.delete(next);
      this.elapsedMs = Math.max(this.elapsedMs, next.atMonotonicMs);
      next.run();
      await settled();
    }
    this.elapsedMs = endMs;
  }

  /** The same, up to a moment of the wall clock; a moment that has passed is none. */
  async advanceTo(atMs: number): Promise<void> {
    await this.advance(Math.max(0, atMs - this.nowMs()));
  }

  /** The wall clock is set forward or back, as NTP or a person does; elapsed time knows nothing of it. */
  jumpWallClock(byMs: number): void {
    this.wallStartMs += byMs;
  }

  private firstUntil(endMs: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const timer of this.waiting) {
      if (timer.atMonotonicMs <= endMs && (first === undefined || isEarlier(timer, first))) first = timer;
    }
    return first;
  }
}

function isEarlier(a: Waiting, b: Waiting): boolean {
  return a.atMonotonicMs === b.atMonotonicMs ? a.order < b.order : a.atMonotonicMs < b.atMonotonicMs;
}

/** A turn of the event loop: every promise that can settle without time or input has settled by then. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
