import type { Lease, LeaseLock, LeaseWatch } from '../../src/leadership/lease/lease-lock.js';
import type { LeaseRecord } from '../../src/leadership/lease/lease-record.js';
import { Clock, pause, type Timer } from '../../src/platform/clock.js';

const DEADLINE_MS = 5_000;
const SLOW_MS = 1_000;

/** One lease for several candidates, as an API server would keep it. */
export class FakeLease {
  private stored?: Lease;
  private version = 0;
  private readonly told = new Set<(lease: Lease | undefined) => void>();

  get lease(): Lease | undefined {
    return this.stored;
  }

  /** As somebody would with kubectl. */
  put(record: LeaseRecord): Lease {
    this.stored = { record, version: String(++this.version) };
    this.tellAll();
    return this.stored;
  }

  remove(): void {
    this.stored = undefined;
    this.tellAll();
  }

  listen(told: (lease: Lease | undefined) => void): () => void {
    this.told.add(told);
    return () => this.told.delete(told);
  }

  private tellAll(): void {
    for (const told of this.told) told(this.stored);
  }
}

/** How the way from one candidate to the API server is. */
export type Way = 'open' | 'slow' | 'away' | 'answers lost' | 'stalled';

/** One candidate's way to the lease. */
export class FakeLeaseLock implements LeaseLock {
  way: Way = 'open';
  /** A watch that hears nothing, and does not know that it does not. */
  isDeaf = false;
  isWatching = false;
  readonly calls: string[] = [];

  constructor(
    private readonly shared: FakeLease,
    private readonly clock: Clock,
  ) {}

  get(): Promise<Lease | undefined> {
    return this.call('get', () => this.shared.lease);
  }

  create(record: LeaseRecord): Promise<Lease | 'conflict'> {
    return this.call('create', () => (this.shared.lease ? 'conflict' : this.shared.put(record)));
  }

  update(lease: Lease, record: LeaseRecord): Promise<Lease | 'conflict'> {
    return this.call('update', () =>
      this.shared.lease?.version === lease.version ? this.shared.put(record) : 'conflict',
    );
  }

  watch(changed: (lease: Lease | undefined) => void): LeaseWatch {
    let deafen: (() => void) | undefined;
    const hear = (lease: Lease | undefined): void => {
      if (this.isDeaf || this.way === 'away') return;
      this.clock.after(0, () => deafen && changed(lease)); // a process that is stopped reads it when it wakes up
    };
    return {
      start: () => {
        this.isWatching = true;
        deafen = this.shared.listen(hear);
      },
      stop: () => {
        this.isWatching = false;
        deafen?.();
        deafen = undefined;
        return Promise.resolve();
      },
    };
  }

  private async call<T>(name: string, act: () => T): Promise<T> {
    this.calls.push(name);
    await Promise.resolve();
    if (this.way === 'away') throw new Error('connection refused');
    if (this.way === 'stalled') return this.tooLate();
    const answer = act();
    if (this.way === 'slow') await pause(this.clock, SLOW_MS);
    return this.way === 'answers lost' ? this.tooLate() : answer;
  }

  private async tooLate(): Promise<never> {
    await pause(this.clock, DEADLINE_MS);
    throw new Error('no answer in time');
  }
}

/** The clock of a process that may be stopped: time goes on without it, and its timers run when it wakes up. */
export class StoppableClock extends Clock {
  private missed?: (() => void)[];

  constructor(private readonly clock: Clock) {
    super();
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  after(ms: number, run: () => void): Timer {
    let isCancelled = false;
    const fire = (): void => {
      if (isCancelled) return;
      if (this.missed) this.missed.push(fire);
      else run();
    };
    const timer = this.clock.after(ms, fire);
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  stop(): void {
    this.missed ??= [];
  }

  wake(): void {
    const missed = this.missed ?? [];
    this.missed = undefined;
    for (const run of missed) run();
  }
}
