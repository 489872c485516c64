import { Registry } from 'prom-client';

import { PodRemoval } from '../src/lifecycle/driving/pod-removal.js';
import type { SessionDriver } from '../src/lifecycle/driving/session-driver.js';
import type { Calm } from '../src/lifecycle/leading/calm.js';
import { ReaperTask } from '../src/lifecycle/leading/reaper.task.js';
import { LifecycleMetrics } from '../src/lifecycle/lifecycle.metrics.js';
import type { SessionStore } from '../src/lifecycle/store/session-store.js';
import { PodDirectory } from '../src/lifecycle/view/pod-directory.js';
import { FakeRuntime } from '../test/support/fake-runtime.js';
import { sessionId } from '../test/support/openings.js';
import { RedisServer } from '../test/support/redis-server.js';
import { connected, fill, MEANS, pauseMs, type Ready } from './store-stage.js';

const DUE = 100;
const ROUNDS = 5;
/** Of those that are to be due; they are so once they have arrived and been idle this long. */
const SHORT_IDLE_MS = 1_000;

type PassRow = readonly [number, number, string];

/** The reaper's own pass over a real Redis; its pods are a map, so what the API server takes is not in it. */
export async function timeReaping(sessions: number): Promise<PassRow[]> {
  return [await passesAmong(1_000), await passesAmong(sessions)];
}

async function passesAmong(sessions: number): Promise<PassRow> {
  const server = await RedisServer.start();
  const store = await connected(server);
  const runtime = new FakeRuntime(MEANS.clock);
  const stand = (made: readonly Ready[]): void => made.forEach(({ pod }) => void runtime.pods.set(pod.uid, pod));
  stand(await fill(store, { to: sessions - DUE }));
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const prefix = `due${round}`;
    stand(await fill(store, { to: DUE, prefix, idleTimeoutMs: SHORT_IDLE_MS }));
    await pauseMs(SHORT_IDLE_MS + 500);
    const pods = new PodDirectory(runtime);
    pods.start();
    const beganMs = performance.now();
    await reaper(store, runtime, pods).pass(new AbortController().signal);
    took.push(performance.now() - beganMs);
    await pods.stop();
    const { byState } = await store.tally();
    if (byState.terminating !== DUE) throw new Error(`${byState.terminating} were reaped`);
    for (let at = 0; at < DUE; at += 1) await store.finish({ id: sessionId(`${prefix}-${at}`), generation: 1 }, 'none');
  }
  await store.close();
  await server.remove();
  return [sessions, DUE, `${Math.min(...took).toFixed(0)}-${Math.max(...took).toFixed(0)}`];
}

function reaper(store: SessionStore, runtime: FakeRuntime, pods: PodDirectory): ReaperTask {
  const metrics = new LifecycleMetrics(new Registry());
  const removal = new PodRemoval(runtime, store, 0, metrics, MEANS.logger);
  const driver = { drive: () => undefined } as unknown as SessionDriver;
  // The calm after an outage is none of a pass's cost.
  const calm = { broken: () => undefined, lastedMs: () => Infinity } as unknown as Calm;
  const doing = { removal, driver, metrics, logger: MEANS.logger };
  return new ReaperTask(store, pods, doing, { calm, longestPauseMs: 60_000 }, MEANS.clock);
}
