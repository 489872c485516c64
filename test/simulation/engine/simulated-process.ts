import { Clock, type Timer } from '../../../src/platform/clock.js';
import type { VirtualTime } from './virtual-time.js';

/** A moment in 2027; only differences matter. */
const WALL_START_MS = 1_800_000_000_000;
/** As with Node's. */
const SHORTEST_TIMER_MS = 1;

export interface ClockFacts {
  /** How fast it goes: 1.0001 gains a tenth of a second in 1,000. */
  rate: number;
  /** What its wall clock is off by; may be changed at any time. */
  skewMs: number;
  /** What the monotonic clock showed when the process began. */
  upMs: number;
}

/**
 * One process: what reaches it, and what it still does. Nothing runs in one that is dead. In one that is paused nothing
 * runs either, but all that came meanwhile is there when it wakes up: its timers are late and its answers old.
 */
export class SimulatedProcess {
  isDead = false;
  isPaused = false;
  readonly bornAtMs: number;
  /** When it last woke up. */
  wokeAtMs = -Infinity;
  pausedAtMs = Infinity;
  readonly clock: ProcessClock;
  private missed: (() => void)[] = [];
  private readonly mourners = new Set<() => void>();

  constructor(
    readonly name: string,
    private readonly time: VirtualTime,
    private readonly facts: ClockFacts,
  ) {
    this.bornAtMs = time.nowMs;
    this.clock = new ProcessClock(this, time, facts);
  }

  get isRunning(): boolean {
    return !this.isDead && !this.isPaused;
  }

  /** A timer, an answer or a notification reaches the process. */
  deliver(run: () => void): void {
    if (this.isDead) return;
    if (this.isPaused) this.missed.push(run);
    else run();
  }

  /** NTP or a person does; elapsed time knows nothing of it. */
  setWallClock(skewMs: number): void {
    this.facts.skewMs = skewMs;
  }

  pause(): void {
    if (!this.isRunning) return;
    this.isPaused = true;
    this.pausedAtMs = this.time.nowMs;
  }

  wake(): void {
    if (this.isDead || !this.isPaused) return;
    this.isPaused = false;
    this.wokeAtMs = this.time.nowMs;
    this.pausedAtMs = Infinity;
    const missed = this.missed;
    this.missed = [];
    // Each by itself: between two of them the process may be paused or killed again.
    for (const run of missed) this.time.after(0, () => this.deliver(run));
  }

  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.missed = [];
    for (const mourn of this.mourners) mourn();
  }

  onDeath(mourn: () => void): () => void {
    this.mourners.add(mourn);
    return () => this.mourners.delete(mourn);
  }
}

export class ProcessClock extends Clock {
  constructor(
    private readonly process: SimulatedProcess,
    private readonly time: VirtualTime,
    private readonly facts: ClockFacts,
  ) {
    super();
  }

  nowMs(): number {
    return WALL_START_MS + this.time.nowMs + this.facts.skewMs;
  }

  monotonicMs(): number {
    return this.facts.upMs + (this.time.nowMs - this.process.bornAtMs) * this.facts.rate;
  }

  after(ms: number, run: () => void): Timer {
    let isCancelled = false;
    const fire = (): void => {
      if (!isCancelled) run();
    };
    const timer = this.time.after(Math.max(SHORTEST_TIMER_MS, ms) / this.facts.rate, () => this.process.deliver(fire));
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }
}

/** The clock of the server that keeps the records. It is set now and then. */
export class ServerClock extends Clock {
  private setByMs = 0;

  constructor(private readonly time: VirtualTime) {
    super();
  }

  set(byMs: number): void {
    this.setByMs += byMs;
  }

  nowMs(): number {
    return WALL_START_MS + this.monotonicMs();
  }

  monotonicMs(): number {
    return this.time.nowMs + this.setByMs;
  }

  after(ms: number, run: () => void): Timer {
    return this.time.after(ms, run);
  }
}
