/** The parts of one replica that hold and read all pods; started by `pods.ts`, which it tells what they cost. */
import { SystemClock } from '../src/platform/clock.js';
import { KubernetesClient } from '../src/platform/kubernetes/kubernetes-client.js';
import { SystemRandomness } from '../src/platform/randomness.js';
import { KubernetesSessionRuntime } from '../src/lifecycle/runtime/kubernetes/kubernetes-session-runtime.js';
import type { SessionDriver } from '../src/lifecycle/driving/session-driver.js';
import { Calm } from '../src/lifecycle/leading/calm.js';
import { ImportTask } from '../src/lifecycle/leading/import.task.js';
import { ReconcileTask } from '../src/lifecycle/leading/reconcile.task.js';
import { RedisSessionStore } from '../src/lifecycle/store/redis/redis-session-store.js';
import { DirectoryRefresh } from '../src/lifecycle/view/directory-refresh.js';
import { PodDirectory } from '../src/lifecycle/view/pod-directory.js';
import { SessionDirectory } from '../src/lifecycle/view/session-directory.js';
import { SilentLogger } from '../test/support/silent-logger.js';
import { POD_SETTINGS } from './pod-settings.js';

export interface Figures {
  heapMb: number;
  relistMs: number[];
  importMs: number;
  reconcileMs: number[];
}

const ROUNDS = 5;
const [kubeconfigPath, namespace, redisPort, expected] = process.argv.slice(2) as [string, string, string, string];
const means = { clock: new SystemClock(), randomness: new SystemRandomness(), logger: new SilentLogger() };
const { clock, randomness, logger } = means;

const client = KubernetesClient.load({ kubeconfigPath, namespace });
const runtime = new KubernetesSessionRuntime(client, POD_SETTINGS, clock, randomness, logger);
const limits = { maxSessions: 100_000, maxSessionsPerOwner: 0, startTimeoutMs: 600_000, tombstoneMs: 3_600_000 };
const store = new RedisSessionStore({ host: '127.0.0.1', port: Number(redisPort) }, limits, means);

function heapMb(): number {
  globalThis.gc!();
  globalThis.gc!();
  return process.memoryUsage().heapUsed / 1_048_576;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await run();
  return performance.now() - beganMs;
}

/** From asking for everything to having it. */
async function synced(pods: PodDirectory): Promise<void> {
  pods.start();
  while (!pods.isSynced()) await new Promise((go) => setTimeout(go, 1));
}

async function main(): Promise<Figures> {
  await store.connect();
  await client.read(`/api/v1/namespaces/${namespace}/pods`, { limit: 1 });
  const before = heapMb();
  const pods = new PodDirectory(runtime);
  await synced(pods);
  if (pods.all().length !== Number(expected)) throw new Error(`${pods.all().length} pods instead of ${expected}`);
  const held = heapMb() - before;
  const relistMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const again = new PodDirectory(runtime);
    relistMs.push(await timed(() => synced(again)));
    await again.stop();
  }
  const sessions = new SessionDirectory(store);
  const importing = new ImportTask({ store, runtime, sessions }, new Calm(clock), () => {}, logger);
  const importMs = await timed(() => importing.pass());
  const refresh = new DirectoryRefresh(store, sessions, clock);
  let driven = 0;
  const driver = { drive: () => (driven += 1) } as unknown as SessionDriver;
  const reconcile = new ReconcileTask(store, runtime, { sessions, pods, refresh }, driver, 60_000);
  const reconcileMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1)
    reconcileMs.push(await timed(() => reconcile.pass(new AbortController().signal)));
  if (driven > 0) throw new Error(`${driven} sessions were not settled`);
  await pods.stop();
  return { heapMb: held, relistMs, importMs, reconcileMs };
}

void main().then(async (figures) => {
  await Promise.all([store.close(), client.close()]);
  process.send!(figures, () => process.disconnect());
});
