import { Registry } from 'prom-client';

import { Leadership } from '../src/leadership/leadership.js';
import { SoleLeadership } from '../src/leadership/sole-leadership.js';
import { Lifecycle } from '../src/lifecycle/lifecycle.js';
import { LifecycleMetrics } from '../src/lifecycle/lifecycle.metrics.js';
import type { Admission } from '../src/lifecycle/sessions.js';
import type { RedisSessionStore } from '../src/lifecycle/store/redis/redis-session-store.js';
import { templateSchema } from '../src/lifecycle/templates/template.js';
import { Templates } from '../src/lifecycle/templates/templates.js';
import { FakeRuntime } from '../test/support/fake-runtime.js';
import { caller } from '../test/support/openings.js';
import { RedisServer } from '../test/support/redis-server.js';
import { counted, total } from './redis-figures.js';
import { connected, fill, inParallel, MEANS, pauseMs, type Ready } from './store-stage.js';

const SESSIONS = 1_000;
const MINUTE_MS = 60_000;
/** Long enough for several periods of everything that happens by itself. */
const WATCHED_MS = 30_000;

type CallRow = readonly [string, string];

/** Never leads: somebody else does. */
class Following extends Leadership {
  add(): void {}
  standWhile(): void {}
  status(): { isLeader: boolean } {
    return { isLeader: false };
  }
  start(): Promise<void> {
    return Promise.resolve();
  }
  stop(): Promise<void> {
    return Promise.resolve();
  }
}

/** One replica's whole core on a real Redis, and what it asks there; its pods are a map. */
class BenchReplica {
  readonly runtime = new FakeRuntime(MEANS.clock);
  readonly lifecycle: Lifecycle;

  constructor(
    readonly store: RedisSessionStore,
    private readonly leadership: Leadership,
  ) {
    const { clock, logger } = MEANS;
    const defaults = { idleTimeoutMs: 600_000, maxLifetimeMs: 0, port: 8080, warmPoolSize: 0 };
    const most = { maxConcurrentCreations: 50, maxPendingRequests: 1_000 };
    this.lifecycle = new Lifecycle({
      ...{ store, runtime: this.runtime, leadership, clock, logger },
      templates: new Templates(new Map([['default', templateSchema.parse({})]]), defaults),
      timing: { startTimeoutMs: 120_000, drainMs: 0, cleanupEveryMs: MINUTE_MS, ...most },
      metrics: new LifecycleMetrics(new Registry()),
      timers: { after: (_name, ms, run) => clock.after(ms, run) },
    });
  }

  async start(ready: readonly Ready[]): Promise<this> {
    for (const { pod } of ready) this.runtime.pods.set(pod.uid, pod);
    this.lifecycle.start();
    await this.leadership.start();
    await pauseMs(3_000);
    return this;
  }

  async admit({ session }: Ready): Promise<Admission> {
    const { id, owner } = session;
    const admitted = await this.lifecycle.sessions.admit({ id, caller: caller(owner), signal: NEVER });
    if ('pending' in admitted) throw new Error(`${id} is not ready`);
    return admitted;
  }

  async stop(): Promise<void> {
    await this.leadership.stop();
    await this.lifecycle.stop();
  }
}

const NEVER = new AbortController().signal;

export async function countTraffic(): Promise<CallRow[]> {
  const server = await RedisServer.start();
  const store = await connected(server);
  const ready = await fill(store, { to: SESSIONS });
  const rows: CallRow[] = [];
  const follower = await new BenchReplica(store, new Following()).start(ready);
  const rest = perMinute(total(await counted(server, () => pauseMs(WATCHED_MS))));
  rows.push(['a replica at rest, per minute', rest.toFixed(0)]);
  rows.push(...(await countRequests(server, follower, ready)));
  rows.push(...(await countHeartbeats(server, follower, ready, rest)));
  await follower.stop();
  const leader = await new BenchReplica(store, new SoleLeadership(MEANS.clock, 'bench')).start(ready);
  const led = await counted(server, () => pauseMs(2 * WATCHED_MS));
  rows.push([`the leader at rest, ${SESSIONS} idle sessions, per minute`, String(total(led))]);
  await leader.stop();
  await store.close();
  await server.remove();
  return rows;
}

async function countRequests(server: RedisServer, replica: BenchReplica, ready: Ready[]): Promise<CallRow[]> {
  const requests = async (): Promise<void> =>
    inParallel(0, SESSIONS, async (at) => (await replica.admit(ready[at]!)).release());
  const first = total(await counted(server, requests));
  const second = total(await counted(server, requests));
  await replica.store.tally(); // which loads its script
  const scrape = total(await counted(server, () => replica.store.tally()));
  return [
    ['a request to a session not touched lately', (first / SESSIONS).toFixed(3)],
    ['a request to a session in use', (second / SESSIONS).toFixed(3)],
    ['a scrape of the metrics', String(scrape)],
  ];
}

/** Something is open to each session, begun at moments of its own. */
async function countHeartbeats(
  server: RedisServer,
  replica: BenchReplica,
  ready: Ready[],
  rest: number,
): Promise<CallRow[]> {
  // What was touched at one moment is not any more.
  await pauseMs(11_000);
  const open: Admission[] = [];
  for (const one of ready) {
    open.push(await replica.admit(one));
    await pauseMs(4);
  }
  await pauseMs(6_000);
  const touch = countTouches(replica.store);
  const calls = total(await counted(server, () => pauseMs(WATCHED_MS)));
  for (const admission of open) admission.release();
  const periods = WATCHED_MS / 5_000;
  return [
    [`scripts per 5 s with ${SESSIONS} in use`, ((calls - (rest * WATCHED_MS) / MINUTE_MS) / periods).toFixed(1)],
    [`calls of touch per 5 s with ${SESSIONS} in use`, (touch.stop() / periods).toFixed(1)],
  ];
}

/** How often the replica set out to touch, in however many scripts. */
function countTouches(store: RedisSessionStore): { stop: () => number } {
  const touch = store.touch.bind(store);
  let calls = 0;
  store.touch = (touches) => {
    calls += 1;
    return touch(touches);
  };
  return {
    stop: () => {
      store.touch = touch;
      return calls;
    },
  };
}

function perMinute(calls: number): number {
  return (calls * MINUTE_MS) / WATCHED_MS;
}
