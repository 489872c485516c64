import { Registry } from 'prom-client';

import { PodRemoval } from '../src/lifecycle/driving/pod-removal.js';
import type { SessionDriver } from '../src/lifecycle/driving/session-driver.js';
import type { Calm } from '../src/lifecycle/leading/calm.js';
import { ReaperTask } from '../src/lifecycle/leading/reaper.task.js';
import { LifecycleMetrics } from '../src/lifecycle/lifecycle.metrics.js';
import type { Pod } from '../src/lifecycle/runtime/pod.js';
import type { SessionRuntime } from '../src/lifecycle/runtime/session-runtime.js';
import type { Session } from '../src/lifecycle/session.js';
import { refOf, type SessionStore } from '../src/lifecycle/store/session-store.js';
import type { RedisSessionStore } from '../src/lifecycle/store/redis/redis-session-store.js';
import { PodDirectory } from '../src/lifecycle/view/pod-directory.js';
import { eventually } from '../test/support/eventually.js';
import { FakeRuntime } from '../test/support/fake-runtime.js';
import { assignmentOf } from '../test/support/pods.js';
import { RedisServer } from '../test/support/redis-server.js';
import { TEMPLATE } from './pod-settings.js';
import { connected, fill, MEANS, pauseMs } from './store-stage.js';

const DUE = 100;
const ROUNDS = 5;
/** Of those that are to be due; they are so once they have arrived and been idle this long. */
const SHORT_IDLE_MS = 100;
const GONE_WITHIN_MS = 20_000;

type PassRow = readonly [number, number, string];

export interface Passed {
  ms: number;
  /** Of this process. */
  cpuMs: number;
}

/**
 * Sessions in one store, and the reaper's own pass over it. Those that come to be due have pods of the runtime; of the
 * others there are the records, and pods in this replica's view.
 */
export class Reaping {
  private readonly pods: PodDirectory;
  private readonly reaper: ReaperTask;
  private show!: (pod: Pod, gone: boolean) => void;
  private rounds = 0;
  private standing = 0;

  private constructor(
    private readonly store: RedisSessionStore,
    private readonly runtime: SessionRuntime,
  ) {
    const watch: SessionRuntime['watch'] = (changed) => runtime.watch((this.show = changed));
    this.pods = new PodDirectory({ watch } as SessionRuntime);
    this.reaper = reaper(store, runtime, this.pods);
  }

  static async begin(store: RedisSessionStore, runtime: SessionRuntime): Promise<Reaping> {
    const reaping = new Reaping(store, runtime);
    reaping.pods.start();
    await eventually(() => expectTrue(reaping.pods.isSynced(), 'the pods are known'));
    return reaping;
  }

  /** So many that nobody uses and that are not due. */
  async standTo(to: number): Promise<void> {
    const made = await fill(this.store, { from: this.standing, to });
    for (const { pod } of made) this.show(pod, false);
    this.standing = to;
  }

  /** One pass that ends so many. */
  async pass(due: number): Promise<Passed> {
    const prefix = `due${(this.rounds += 1)}`;
    const podFor = (session: Session): Promise<Pod> => this.makePod(session);
    const made = await fill(this.store, { to: due, prefix, idleTimeoutMs: SHORT_IDLE_MS, podFor });
    await pauseMs(2 * SHORT_IDLE_MS);
    const cpuBefore = process.cpuUsage();
    const beganMs = performance.now();
    await this.reaper.pass(new AbortController().signal);
    const ms = performance.now() - beganMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    const { terminating } = (await this.store.tally()).byState;
    if (terminating !== due) throw new Error(`${terminating} instead of ${due} were reaped`);
    for (const { session } of made) await this.store.finish(refOf(session), 'none');
    const isThere = ({ pod }: (typeof made)[number]): boolean => this.pods.find(pod.uid) !== undefined;
    await eventually(() => expectTrue(!made.some(isThere), 'their pods are gone'), GONE_WITHIN_MS);
    return { ms, cpuMs: (user + system) / 1_000 };
  }

  async stop(): Promise<void> {
    await this.pods.stop();
    await this.runtime.stop();
    await this.store.close();
  }

  private async makePod(session: Session): Promise<Pod> {
    const pod = await this.runtime.create({ ...assignmentOf(session), definition: TEMPLATE });
    if (pod === 'name-taken') throw new Error(`${session.id} has a pod already`);
    return new Promise((resolve) => {
      const look = (): void => {
        const seen = this.pods.find(pod.uid);
        if (seen?.phase !== 'ready' || seen.address === undefined) return;
        stop();
        resolve(seen);
      };
      const stop = this.pods.onChange(look);
      look();
    });
  }
}

function expectTrue(is: boolean, what: string): void {
  if (!is) throw new Error(`not yet: ${what}`);
}

/** Its pods are a map, so what the API server takes is not in it. */
export async function timeReaping(sessions: number): Promise<PassRow[]> {
  return [await passesAmong(1_000), await passesAmong(sessions)];
}

async function passesAmong(sessions: number): Promise<PassRow> {
  const server = await RedisServer.start();
  const runtime = new FakeRuntime(MEANS.clock);
  runtime.onCreate = (pod) => void runtime.makeReady(pod);
  const reaping = await Reaping.begin(await connected(server), runtime);
  await reaping.standTo(sessions - DUE);
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) took.push((await reaping.pass(DUE)).ms);
  await reaping.stop();
  await server.remove();
  return [sessions, DUE, `${Math.min(...took).toFixed(0)}-${Math.max(...took).toFixed(0)}`];
}

function reaper(store: SessionStore, runtime: SessionRuntime, pods: PodDirectory): ReaperTask {
  const metrics = new LifecycleMetrics(new Registry());
  const removal = new PodRemoval(runtime, store, 0, metrics, MEANS.logger);
  const driver = { drive: () => undefined } as unknown as SessionDriver;
  // The calm after an outage is none of a pass's cost.
  const calm = { broken: () => undefined, lastedMs: () => Infinity } as unknown as Calm;
  const doing = { removal, driver, metrics, logger: MEANS.logger };
  return new ReaperTask(store, pods, doing, { calm, longestPauseMs: 60_000 }, MEANS.clock);
}
