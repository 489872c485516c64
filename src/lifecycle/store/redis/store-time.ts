import { Clock } from '../../../platform/clock.js';

/** How far two good clocks drift apart, at most. */
const DRIFT = 1 / 5_000;

interface Estimate {
  /** The server's time less our monotonic clock. */
  offsetMs: number;
  /** The truth is not further away than this. */
  withinMs: number;
  learnedAtMs: number;
}

/**
 * The server's time, told by our own monotonic clock and what the server's answers say: each was given somewhere between
 * sending and hearing. The narrowest bound is kept; it widens with age, so that a later answer takes its place. Only an
 * answer that contradicts it (another server, or one whose clock was set) moves it by more than its own uncertainty.
 */
export class StoreTime {
  private held?: Estimate;

  constructor(private readonly clock: Clock) {}

  /** Before the first answer: our own clock. */
  nowMs(): number {
    return this.held ? this.clock.monotonicMs() + this.held.offsetMs : this.clock.nowMs();
  }

  learn(serverMs: number, sentAtMs: number): void {
    const heardAtMs = this.clock.monotonicMs();
    // The server tells whole milliseconds.
    const withinMs = (heardAtMs - sentAtMs) / 2 + 0.5;
    const offsetMs = serverMs + 0.5 - (sentAtMs + heardAtMs) / 2;
    const heldWithinMs = this.held ? this.held.withinMs + (heardAtMs - this.held.learnedAtMs) * DRIFT : Infinity;
    const isContradicted = this.held !== undefined && Math.abs(offsetMs - this.held.offsetMs) > withinMs + heldWithinMs;
    if (withinMs <= heldWithinMs || isContradicted) this.held = { offsetMs, withinMs, learnedAtMs: heardAtMs };
  }
}
