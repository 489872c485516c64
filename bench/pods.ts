/**
 * What many pods cost one replica: memory of the watch's cache, a complete relist, a reconcile pass. Against a real API
 * server and a real Redis, with pods that a test kubelet reports as ready without running anything.
 *
 *   npm run bench:pods [-- 1000 2000 5000]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { KubernetesClient } from '../src/platform/kubernetes/kubernetes-client.js';
import { SystemClock } from '../src/platform/clock.js';
import { SystemRandomness } from '../src/platform/randomness.js';
import { KubernetesSessionRuntime } from '../src/lifecycle/runtime/kubernetes/kubernetes-session-runtime.js';
import { parseSessionId } from '../src/lifecycle/session-id.js';
import { SilentLogger } from '../test/support/silent-logger.js';
import { ownNamespace, type OwnNamespace } from '../test/support/kubernetes/own-namespace.js';
import { startControlPlane } from '../test/support/kubernetes/control-plane.js';
import { startTestKubelet } from '../test/support/kubernetes/test-kubelet.js';
import { RedisServer } from '../test/support/redis-server.js';
import { POD_SETTINGS, TEMPLATE } from './pod-settings.js';
import type { Figures } from './pods-replica.js';

const AT_ONCE = 16;
const HOUR_MS = 3_600_000;

async function makePods(own: OwnNamespace, from: number, to: number): Promise<void> {
  const client = KubernetesClient.load({ kubeconfigPath: own.berthKubeconfig, namespace: own.name });
  const runtime = new KubernetesSessionRuntime(
    client,
    POD_SETTINGS,
    new SystemClock(),
    new SystemRandomness(),
    new SilentLogger(),
  );
  let next = from;
  const make = async (): Promise<void> => {
    for (let at = next++; at < to; at = next++) {
      const times = { idleTimeoutMs: HOUR_MS, maxLifetimeMs: 0, openedAtMs: Date.now() };
      const session = {
        id: parseSessionId(`bench-${at}`),
        owner: `owner-${at % 100}`,
        generation: 1,
        opening: 1,
        env: {},
      };
      await runtime.create({ ...session, ...times, template: TEMPLATE.name, definition: TEMPLATE });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, make));
  await runtime.stop();
  await client.close();
}

/** A process of its own, so that nothing but the replica's parts is in its memory. */
async function measure(own: OwnNamespace, redis: RedisServer, pods: number): Promise<Figures> {
  const args = [own.berthKubeconfig, own.name, String(redis.port), String(pods)];
  const child = fork(join(process.cwd(), 'bench/pods-replica.ts'), args, {
    execArgv: [...process.execArgv, '--expose-gc'],
  });
  const [figures] = (await once(child, 'message')) as [Figures];
  await once(child, 'exit');
  return figures;
}

async function main(): Promise<void> {
  const given = process.argv.slice(2).map(Number);
  const sizes = given.length > 0 ? given : [1_000, 2_000, 5_000];
  const controlPlane = await startControlPlane({ assets: process.env.BERTH_ASSETS! });
  const own = await ownNamespace({ controlPlane });
  const kubelet = await startTestKubelet(own, { mode: 'status-only' });
  console.log('pods | heap MB | KB a pod | relist ms | import ms | reconcile ms');
  let made = 0;
  for (const pods of sizes) {
    await makePods(own, made, pods);
    made = pods;
    while (kubelet.pods().filter(({ isReady }) => isReady).length < pods)
      await new Promise((go) => setTimeout(go, 500));
    const redis = await RedisServer.start();
    const { heapMb, relistMs, importMs, reconcileMs } = await measure(own, redis, pods);
    const perPodKb = (heapMb * 1_024) / pods;
    const spread = (all: readonly number[]): string => `${Math.min(...all).toFixed(0)}-${Math.max(...all).toFixed(0)}`;
    console.log(
      [pods, heapMb.toFixed(1), perPodKb.toFixed(1), spread(relistMs), importMs.toFixed(0), spread(reconcileMs)].join(
        ' | ',
      ),
    );
    await redis.remove();
  }
  await kubelet.stop();
  await controlPlane.stop();
}

void main();
