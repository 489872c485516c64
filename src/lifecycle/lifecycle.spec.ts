import { Registry } from 'prom-client';

import { FakeClock } from '../../test/support/fake-clock.js';
import { FakeRandomness } from '../../test/support/fake-randomness.js';
import { FakeRuntime } from '../../test/support/fake-runtime.js';
import { admin, alice, bob, caller, sessionId } from '../../test/support/openings.js';
import { SoleLeadership } from '../leadership/sole-leadership.js';
import { SilentLogger } from '../platform/logger.js';
import { Lifecycle } from './lifecycle.js';
import { LifecycleMetrics } from './lifecycle.metrics.js';
import type { Pod } from './runtime/pod.js';
import type { Admission, AdmissionRequest, Pending } from './sessions.js';
import { MemorySessionStore } from './store/memory-session-store.js';
import { templateSchema } from './templates/template.js';
import { Templates } from './templates/templates.js';

/** One replica's whole core on virtual time, with pods that do as the test says. */

const ID = sessionId('s-1');
const IDLE_MS = 600_000;
const START_TIMEOUT_MS = 120_000;
const DRAIN_MS = 30_000;

interface Settings {
  maxSessions?: number;
  maxPendingRequests?: number;
  maxConcurrentCreations?: number;
  maxLifetimeMs?: number;
}

class Replica {
  readonly clock = new FakeClock();
  readonly runtime = new FakeRuntime(this.clock);
  readonly store: MemorySessionStore;
  readonly lifecycle: Lifecycle;
  readonly leadership = new SoleLeadership(this.clock, 'replica');
  readonly registry = new Registry();

  constructor(settings: Settings = {}) {
    const {
      maxSessions = 1_000,
      maxPendingRequests = 1_000,
      maxConcurrentCreations = 50,
      maxLifetimeMs = 0,
    } = settings;
    const limits = { maxSessions, maxSessionsPerOwner: 0, startTimeoutMs: START_TIMEOUT_MS, tombstoneMs: 3_600_000 };
    this.store = new MemorySessionStore(this.clock, new FakeRandomness(), limits);
    const definitions = new Map([
      ['default', templateSchema.parse({ clientEnv: ['COLOUR'] })],
      ['gpu', templateSchema.parse({ requiredScope: 'gpu' })],
    ]);
    this.lifecycle = new Lifecycle({
      store: this.store,
      runtime: this.runtime,
      leadership: this.leadership,
      templates: new Templates(definitions, { idleTimeoutMs: IDLE_MS, maxLifetimeMs, port: 8080, warmPoolSize: 0 }),
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
    });
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

const started = (settings?: Settings): Promise<Replica> => new Replica(settings).start();
const refusedWith = (code: string): unknown => expect.objectContaining({ code });

describe('the lifecycle of sessions', () => {
  it('makes one pod for many simultaneous first requests and admits them all to it', async () => {
    const replica = await started();
    const asked = Array.from({ length: 100 }, () => replica.admit());
    await replica.clock.advance(100);
    replica.runtime.makeReady(replica.pod());
    const admissions = await Promise.all(asked);
    expect(new Set(admissions.map(({ address }) => address)).size).toBe(1);
    expect(admissions.every(({ generation, start }) => generation === 1 && start === 'cold')).toBe(true);
    expect(replica.runtime.calls.filter((call) => call === 'create')).toHaveLength(1);
  });

  it('asks nobody for a session that was touched within its window', async () => {
    const replica = (await started()).startAtOnce();
    await replica.admit();
    const enter = jest.spyOn(replica.store, 'enter');
    const again = await replica.admit();
    expect(again.start).toBe('none');
    expect(enter).not.toHaveBeenCalled();
  });

  it('refuses what it cannot know before the store is usable', async () => {
    const replica = new Replica();
    await expect(replica.admit()).rejects.toThrow('lost its memory');
  });

  it('ends an idle session once its time-out has passed and not before', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    await replica.clock.advance(IDLE_MS - 1);
    expect(await replica.state()).toBe('ready');
    await replica.clock.advance(10_000);
    expect(await replica.state()).toBe('gone');
    expect(replica.runtime.pods.size).toBe(0);
  });

  it('does not end a session while something is open to it', async () => {
    const replica = (await started()).startAtOnce();
    const admission = await replica.admit();
    await replica.clock.advance(3 * IDLE_MS);
    expect(await replica.state()).toBe('ready');
    admission.release();
    await replica.clock.advance(IDLE_MS + 10_000);
    expect(await replica.state()).toBe('gone');
  });

  it('does not take a look at the status for use', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    for (let minute = 0; minute < 9; minute += 1) {
      await replica.clock.advance(60_000);
      expect(await replica.state()).toBe('ready');
    }
    await replica.clock.advance(70_000);
    expect(await replica.state()).toBe('gone');
  });

  it('lets a request win that comes between the mark and the compare of the reaper', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    let admission: Admission | undefined;
    replica.runtime.onMark = async () => {
      replica.runtime.onMark = () => {};
      admission = await replica.admit();
    };
    await replica.clock.advance(IDLE_MS + 10_000);
    expect(admission).toMatchObject({ generation: 1, start: 'none' });
    expect(replica.pod().markedUntilMs).toBeUndefined();
    expect(await replica.state()).toBe('ready');
  });

  it('starts the next generation for a request that finds the session terminating', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.lingers = true;
    await replica.clock.advance(IDLE_MS + 10_000);
    const [old] = [...replica.runtime.pods.values()];
    expect(old).toMatchObject({ deleting: true });
    const admission = await replica.admit();
    expect(admission.generation).toBe(2);
    expect(admission.address).not.toBe(old!.address);
  });

  it('holds requests while a pod restarts in place, and keeps the generation', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    const pod = replica.runtime.change(replica.pod(), { phase: 'restarting' });
    const asked = replica.admit();
    await replica.clock.advance(500);
    replica.runtime.change(pod, { phase: 'ready', restarts: 1 });
    expect(await asked).toMatchObject({ generation: 1, restarts: 1, start: 'none' });
  });

  it('replaces a dead pod by itself, without any request', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.change(replica.pod(), { phase: 'dead', failure: { reason: 'StateLost', message: 'gone' } });
    await replica.clock.advance(1_000);
    const status = await replica.lifecycle.sessions.status(ID, alice);
    expect(status).toMatchObject({ state: 'ready', generation: 2, lastFailure: { reason: 'StateLost' } });
    expect(replica.pod().assignment?.generation).toBe(2);
  });

  it('replaces a pod that somebody deleted', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.runtime.vanish(replica.pod());
    expect(await replica.admit({ anew: true })).toMatchObject({ generation: 2 });
  });

  it('gives up after three generations that crash, tells why, and tries again later', async () => {
    const replica = await started();
    replica.runtime.onCreate = (pod) =>
      void replica.runtime.change(pod, {
        phase: 'dead',
        crashed: true,
        failure: { reason: 'CrashLoopBackOff', message: 'no disk' },
      });
    const asked = replica.ask();
    await replica.clock.advance(10_000);
    await expect(asked).rejects.toEqual(refusedWith('SESSION_START_FAILED'));
    await expect(asked).rejects.toMatchObject({ reason: 'CrashLoopBackOff', message: 'no disk' });
    expect(replica.runtime.calls.filter((call) => call === 'create')).toHaveLength(3);
    await expect(replica.ask()).rejects.toEqual(refusedWith('SESSION_START_FAILED'));
    expect(replica.runtime.pods.size).toBe(0);
    replica.startAtOnce();
    await replica.clock.advance(10_000);
    expect((await replica.admit()).generation).toBe(4);
  });

  it('fails a start at its deadline, and tells those who waited so', async () => {
    const replica = await started();
    const asked = replica.ask();
    await replica.clock.advance(START_TIMEOUT_MS + 1);
    await expect(asked).rejects.toEqual(refusedWith('SESSION_START_TIMEOUT'));
    expect(await replica.state()).toBe('failed');
    await replica.clock.advance(1_000);
    expect(replica.runtime.pods.size).toBe(0);
  });

  it('does not fail a session because the runtime is away', async () => {
    const replica = await started();
    replica.runtime.isAway = true;
    const asked = replica.ask();
    await replica.clock.advance(10);
    await expect(asked).rejects.toThrow('the runtime is away');
    await replica.clock.advance(START_TIMEOUT_MS / 2);
    expect(await replica.state()).toBe('creating');
    replica.startAtOnce().runtime.isAway = false;
    await replica.clock.advance(3_000);
    expect(await replica.state()).toBe('ready');
  });

  it('answers held requests with SESSION_TERMINATING when the session is ended', async () => {
    const replica = await started();
    const asked = replica.ask();
    await replica.clock.advance(10);
    await replica.lifecycle.sessions.end(ID, alice);
    await expect(asked).rejects.toEqual(refusedWith('SESSION_TERMINATING'));
    await replica.clock.advance(5_000);
    expect(replica.runtime.pods.size).toBe(0);
    expect((await replica.startAtOnce().admit()).generation).toBe(2);
  });

  it('ends a session past its lifetime although it is in use, and gives what is open the drain time', async () => {
    const replica = (await started({ maxLifetimeMs: 3_600_000 })).startAtOnce();
    const open = await replica.admit();
    await replica.clock.advance(3_600_000);
    const fresh = await replica.admit({ anew: true });
    expect(fresh.generation).toBe(2);
    await replica.clock.advance(DRAIN_MS - 1_000);
    expect([...replica.runtime.pods.values()].map(({ address }) => address)).toContain(open.address);
    await replica.clock.advance(2_000);
    expect(replica.pod().address).toBe(fresh.address);
  });

  it('starts no more pods at once than it may, and queues the others', async () => {
    const replica = await started({ maxConcurrentCreations: 2 });
    const asked = ['a', 'b', 'c'].map((id) => replica.admit({ id: sessionId(id) }));
    await replica.clock.advance(100);
    expect(replica.runtime.pods.size).toBe(2);
    replica.startAtOnce();
    for (const pod of replica.runtime.pods.values()) replica.runtime.makeReady(pod);
    await replica.clock.advance(100);
    expect(await Promise.all(asked)).toHaveLength(3);
  });

  it('holds no more requests than it may', async () => {
    const replica = await started({ maxPendingRequests: 1 });
    const held = replica.ask();
    await replica.clock.advance(10);
    await expect(replica.ask()).rejects.toEqual(refusedWith('TOO_MANY_WAITING'));
    replica.runtime.makeReady(replica.pod());
    await expect(held).resolves.toMatchObject({ generation: 1 });
  });

  it('refuses sessions beyond the limit until one has ended', async () => {
    const replica = (await started({ maxSessions: 1 })).startAtOnce();
    await replica.admit();
    await expect(replica.ask({ id: sessionId('other') })).rejects.toEqual(refusedWith('CAPACITY_EXHAUSTED'));
    await replica.lifecycle.sessions.end(ID, alice);
    await expect(replica.admit({ id: sessionId('other') })).resolves.toMatchObject({ generation: 1 });
  });

  it('shows a session to its owner and to admins, and to nobody else on any call', async () => {
    const replica = (await started()).startAtOnce();
    await replica.admit();
    const { sessions } = replica.lifecycle;
    const signal = new AbortController().signal;
    const calls = [
      replica.ask({ caller: bob }),
      sessions.status(ID, bob),
      sessions.open(ID, bob, {}),
      sessions.keepalive(ID, bob),
      sessions.end(ID, bob),
      sessions.logs(ID, bob, { follow: false, signal }),
      sessions.events(ID, bob, signal),
    ];
    for (const outcome of await Promise.allSettled(calls))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'SESSION_NOT_FOUND' } });
    expect((await sessions.list(bob, { limit: 10 })).sessions).toEqual([]);
    await expect(sessions.status(ID, admin)).resolves.toMatchObject({ owner: alice.owner });
  });

  it('answers GENERATION_MISMATCH instead of opening or serving another generation', async () => {
    const replica = (await started()).startAtOnce();
    await expect(replica.ask({ generation: 1 })).rejects.toEqual(refusedWith('GENERATION_MISMATCH'));
    expect(replica.runtime.pods.size).toBe(0);
    await replica.admit();
    await expect(replica.ask({ generation: 2 })).rejects.toEqual(refusedWith('GENERATION_MISMATCH'));
    await expect(replica.admit({ generation: 1 })).resolves.toMatchObject({ generation: 1 });
  });

  it('lets an impatient client go with what is true, and goes on starting the pod', async () => {
    const replica = await started();
    const answer = await replica.ask({ patienceMs: 0 });
    expect(answer).toMatchObject({ pending: { state: 'creating', generation: 1 } });
    await replica.clock.advance(10);
    replica.runtime.makeReady(replica.pod());
    await replica.clock.advance(10);
    expect(await replica.state()).toBe('ready');
  });

  it('opens ahead of use with what was asked for, and says conflict to another wish', async () => {
    const replica = (await started()).startAtOnce();
    const { sessions } = replica.lifecycle;
    const first = await sessions.open(ID, alice, { env: { COLOUR: 'red' }, idleTimeoutMs: 5_000 });
    expect(first).toMatchObject({ opened: true, session: { state: 'creating' } });
    await expect(sessions.open(ID, alice, { env: { COLOUR: 'red' } })).resolves.toMatchObject({ opened: false });
    await expect(sessions.open(ID, alice, { env: { COLOUR: 'blue' } })).rejects.toEqual(
      refusedWith('SESSION_CONFLICT'),
    );
    await expect(sessions.open(ID, alice, { env: { SECRET: 'x' } })).rejects.toEqual(refusedWith('INVALID_REQUEST'));
    await expect(sessions.open(ID, alice, { template: 'none' })).rejects.toEqual(refusedWith('INVALID_REQUEST'));
    expect(replica.pod().assignment?.env).toEqual({ COLOUR: 'red' });
  });

  it('keeps templates with a required scope for those who have it', async () => {
    const replica = (await started()).startAtOnce();
    const { sessions } = replica.lifecycle;
    await expect(sessions.open(ID, alice, { template: 'gpu' })).rejects.toEqual(refusedWith('FORBIDDEN'));
    const scoped = caller(alice.owner, { scopes: ['gpu'] });
    await sessions.open(ID, scoped, { template: 'gpu' });
    await expect(replica.admit({ caller: scoped })).resolves.toMatchObject({ generation: 1 });
    await expect(replica.ask()).rejects.toEqual(refusedWith('FORBIDDEN'));
  });

  it('rebuilds the sessions from their pods after the store lost its memory', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.store.loseMemory();
    await replica.clock.advance(2_000);
    const admission = await replica.admit({ anew: true });
    expect(admission).toMatchObject({ generation: 1, address: replica.pod().address });
    await expect(replica.ask({ caller: bob, anew: true })).rejects.toEqual(refusedWith('SESSION_NOT_FOUND'));
  });

  it('removes a pod that no session names', async () => {
    const replica = (await started()).startAtOnce();
    const assignment = { id: sessionId('stray'), owner: 'x', generation: 1, opening: 1, template: 'default', env: {} };
    const timeouts = { idleTimeoutMs: IDLE_MS, maxLifetimeMs: 0, openedAtMs: replica.clock.nowMs() };
    const definition = new Templates(new Map([['default', templateSchema.parse({})]]), {
      ...timeouts,
      port: 80,
      warmPoolSize: 0,
    }).find('default')!;
    await replica.runtime.create({ ...assignment, ...timeouts, definition });
    await replica.clock.advance(1_000);
    expect(replica.runtime.pods.size).toBe(0);
  });

  it('tells of every transition in order', async () => {
    const replica = await started();
    const { sessions } = replica.lifecycle;
    await sessions.open(ID, alice, {});
    const heard: string[] = [];
    const events = await sessions.events(ID, alice, new AbortController().signal);
    const listening = (async () => {
      for await (const { event } of events) heard.push(event);
    })();
    await replica.clock.advance(10);
    const pod = replica.runtime.makeReady(replica.pod());
    await replica.clock.advance(10);
    replica.runtime.change(replica.runtime.change(pod, { phase: 'restarting', restarts: 1 }), { phase: 'ready' });
    await sessions.end(ID, alice);
    await listening;
    expect(heard).toEqual(['creating', 'ready', 'restarted', 'terminating', 'ended']);
  });
});
