import { Registry } from 'prom-client';

import { SoleLeadership } from '../../src/leadership/sole-leadership.js';
import { Lifecycle, type LifecycleParts } from '../../src/lifecycle/lifecycle.js';
import { LifecycleMetrics } from '../../src/lifecycle/lifecycle.metrics.js';
import type { Pod } from '../../src/lifecycle/runtime/pod.js';
import type { Admission, AdmissionRequest, Pending } from '../../src/lifecycle/sessions.js';
import { MemorySessionStore } from '../../src/lifecycle/store/memory-session-store.js';
import { templateSchema } from '../../src/lifecycle/templates/template.js';
import { Templates } from '../../src/lifecycle/templates/templates.js';
import { SilentLogger } from './silent-logger.js';
import { FakeClock } from './fake-clock.js';
import { FakeRandomness } from './fake-randomness.js';
import { FakeRuntime } from './fake-runtime.js';
import { alice, sessionId } from './openings.js';

/** One replica's whole core on virtual time, with pods that do as the test says. */

export const HOUR_MS = 3_600_000;
export const ID = sessionId('s-1');
export const IDLE_MS = 600_000;
export const START_TIMEOUT_MS = 120_000;
export const DRAIN_MS = 30_000;

export interface Settings {
  maxSessions?: number;
  maxPendingRequests?: number;
  maxConcurrentCreations?: number;
  maxLifetimeMs?: number;
  warmPoolSize?: number;
}

export class Replica {
  readonly clock = new FakeClock();
  readonly runtime = new FakeRuntime(this.clock);
  readonly store: MemorySessionStore;
  readonly lifecycle: Lifecycle;
  readonly parts: LifecycleParts;
  readonly leadership = new SoleLeadership(this.clock, 'replica');
  readonly registry = new Registry();

  constructor(settings: Settings = {}) {
    const {
      maxSessions = 1_000,
      maxPendingRequests = 1_000,
      maxConcurrentCreations = 50,
      maxLifetimeMs = 0,
      warmPoolSize = 0,
    } = settings;
    const limits = { maxSessions, maxSessionsPerOwner: 0, startTimeoutMs: START_TIMEOUT_MS, tombstoneMs: 3_600_000 };
    this.store = new MemorySessionStore(this.clock, new FakeRandomness(), limits);
    const definitions = new Map([
      ['default', templateSchema.parse({ clientEnv: ['COLOUR'] })],
      ['gpu', templateSchema.parse({ requiredScope: 'gpu', warmPoolSize: 0 })],
    ]);
    this.parts = {
      store: this.store,
      runtime: this.runtime,
      leadership: this.leadership,
      templates: new Templates(definitions, { idleTimeoutMs: IDLE_MS, maxLifetimeMs, port: 8080, warmPoolSize }),
      timing: {
        startTimeoutMs: START_TIMEOUT_MS,
        drainMs: DRAIN_MS,
        cleanupEveryMs: 60_000,
        maxConcurrentCreations,
        maxPendingRequests,
      },
      metrics: new LifecycleMetrics(this.registry),
      timers: { after: (_name, ms, run) => this.clock.after(ms, run) },
      clock: this.clock,
      logger: new SilentLogger(),
    };
    this.lifecycle = new Lifecycle(this.parts);
  }

  async start(): Promise<this> {
    this.lifecycle.start();
    await this.leadership.start();
    await this.clock.advance(20_000);
    return this;
  }

  /** From now on a new pod is ready at once. */
  startAtOnce(): this {
    this.runtime.onCreate = (pod) => void this.runtime.makeReady(pod);
    return this;
  }

  async admit(facts: Partial<AdmissionRequest> = {}): Promise<Admission> {
    const answer = await this.ask(facts);
    if ('pending' in answer) throw new Error('the request was not held');
    return answer;
  }

  ask(facts: Partial<AdmissionRequest> = {}): Promise<Admission | Pending> {
    const asking = this.lifecycle.sessions.admit({
      id: ID,
      caller: alice,
      signal: new AbortController().signal,
      ...facts,
    });
    asking.catch(() => undefined);
    return asking;
  }

  pod(): Pod {
    const pods = [...this.runtime.pods.values()];
    if (pods.length !== 1) throw new Error(`there are ${pods.length} pods`);
    return pods[0]!;
  }

  state(): Promise<string> {
    return this.lifecycle.sessions.status(ID, alice).then(
      ({ state }) => state,
      () => 'gone',
    );
  }
}

export const started = (settings?: Settings): Promise<Replica> => new Replica(settings).start();
export const refusedWith = (code: string): unknown => expect.objectContaining({ code });

/** A second replica on the same store and runtime; not started. */
export function another(replica: Replica): { lifecycle: Lifecycle; leadership: SoleLeadership } {
  const leadership = new SoleLeadership(replica.clock, 'another');
  return {
    lifecycle: new Lifecycle({ ...replica.parts, leadership, metrics: new LifecycleMetrics(new Registry()) }),
    leadership,
  };
}
