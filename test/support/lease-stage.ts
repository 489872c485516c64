import { LeaseLeadership } from '../../src/leadership/lease/lease-leadership.js';
import type { LeaseRecord } from '../../src/leadership/lease/lease-record.js';
import type { LeaderTask } from '../../src/leadership/leadership.js';
import type { Clock } from '../../src/platform/clock.js';
import { FakeClock } from './fake-clock.js';
import { FakeLease, FakeLeaseLock } from './fake-lease.js';
import { FakeRandomness } from './fake-randomness.js';
import { RecordingLogger } from './recording-logger.js';

/** The most by which candidates hold back, and a moment. */
export const SOON_MS = 400;

const durations = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

/** Returns as soon as it is told to, unless it is stuck. */
export class StandingTask implements LeaderTask {
  readonly name = 'task';
  runs = 0;
  signal?: AbortSignal;
  isStuck = false;
  isRunning = false;
  private finish: () => void = () => undefined;

  async run(whileLeading: AbortSignal): Promise<void> {
    this.runs++;
    this.signal = whileLeading;
    this.isRunning = true;
    await new Promise<void>((resolve) => {
      this.finish = resolve;
      whileLeading.addEventListener('abort', () => this.isStuck || resolve());
    });
    this.isRunning = false;
  }

  unstick(): void {
    this.isStuck = false;
    this.finish();
  }
}

export interface Standing {
  leadership: LeaseLeadership;
  lock: FakeLeaseLock;
  task: StandingTask;
}

/** Candidates for one lease in virtual time. */
export class LeaseStage {
  readonly clock = new FakeClock();
  readonly lease = new FakeLease();
  readonly logger = new RecordingLogger();
  private readonly started: LeaseLeadership[] = [];

  candidate(identity: string, clock: Clock = this.clock): Standing {
    const task = new StandingTask();
    const lock = new FakeLeaseLock(this.lease, clock);
    const leadership = this.bare(identity, lock, clock);
    leadership.add(task);
    return { leadership, lock, task };
  }

  /** Without a task. */
  bare(identity: string, lock = new FakeLeaseLock(this.lease, this.clock), clock: Clock = this.clock): LeaseLeadership {
    const randomness = new FakeRandomness(this.started.length + 1);
    const leadership = new LeaseLeadership({ lock, identity, durations, clock, randomness, logger: this.logger });
    this.started.push(leadership);
    return leadership;
  }

  /** One that had the time to take the lease if it was free. */
  async standing(identity: string): Promise<Standing> {
    const one = this.candidate(identity);
    await one.leadership.start();
    await this.clock.advance(SOON_MS);
    return one;
  }

  /** How many timers are left after that. */
  async close(): Promise<number> {
    const stopping = Promise.all(this.started.map((candidate) => candidate.stop()));
    await this.clock.advance(60_000);
    await stopping;
    return this.clock.pendingTimers;
  }
}

export function leaseRecord(facts: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    holder: 'somebody',
    durationMs: 15_000,
    acquiredAt: '2027-01-01T00:00:00.000000Z',
    renewedAt: '2027-01-01T00:00:00.000000Z',
    transitions: 3,
    ...facts,
  };
}
