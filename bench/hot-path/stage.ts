import { execFileSync } from 'node:child_process';

import { ownNamespace } from '../../test/support/kubernetes/own-namespace.js';
import { startControlPlane } from '../../test/support/kubernetes/control-plane.js';
import type { RunningControlPlane } from '../../test/support/kubernetes/running-control-plane.js';
import { startTestKubelet } from '../../test/support/kubernetes/test-kubelet.js';
import { freePort } from '../../test/support/kubernetes/free-port.js';
import { RedisServer, redisServer } from '../../test/support/redis-server.js';
import { join } from 'node:path';

import { start, stop } from './programs.js';

/** What Berth runs on, and what the bench adds to its settings for that. */
export interface Stage {
  name: string;
  settings?: NodeJS.ProcessEnv;
  /** Where nothing has happened yet; undefined where sessions are processes. */
  newGround?(): Promise<Ground>;
  stop(): Promise<void>;
}

/** A Redis, and a namespace of the API server with a node of its own. */
export interface Ground {
  settings: NodeJS.ProcessEnv;
  kubeconfig: string;
  namespace: string;
  redis: RedisServer;
  stop(): Promise<void>;
}

const BACKEND = join(process.cwd(), 'bench/hot-path/backend.mjs');
const EVERYWHERE = '0.0.0.0';

/**
 * As in production where its parts are there: a real Redis, a real API server, and a node that gives each pod an address of its
 * own, behind all of which one backend answers. Else sessions are processes, and the store is memory.
 */
export async function makeStage(): Promise<Stage> {
  const assets = controlPlaneAssets();
  if (!assets || !redisServer.isThere()) {
    const missing = assets ? 'redis-server' : 'etcd and kube-apiserver (scripts/test-parts builds them)';
    console.log(`${missing} missing: Berth runs with processes as pods and its store in memory.`);
    return { name: 'processes as pods, store in memory', stop: () => Promise.resolve() };
  }
  return realStage(assets);
}

async function realStage(assets: string): Promise<Stage> {
  const controlPlane = await startControlPlane({ assets });
  const port = String(await freePort());
  const backend = start('load', [process.execPath, BACKEND], {
    env: { PATH: process.env.PATH, HOST: EVERYWHERE, PORT: port },
  });
  const newGround = (): Promise<Ground> => makeGround(controlPlane, port);
  const ground = await newGround();
  return {
    name: 'Redis, a Kubernetes API server, one replica',
    settings: ground.settings,
    newGround,
    stop: async () => {
      await ground.stop();
      await stop(backend);
      await controlPlane.stop();
    },
  };
}

async function makeGround(controlPlane: RunningControlPlane, backendPort: string): Promise<Ground> {
  const own = await ownNamespace({ controlPlane });
  const kubelet = await startTestKubelet(own, { mode: 'status-only' });
  const redis = await RedisServer.start();
  return {
    settings: {
      RUNTIME: 'kubernetes',
      KUBECONFIG: own.berthKubeconfig,
      KUBERNETES_NAMESPACE: own.name,
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(redis.port),
      SESSION_POD_IMAGE: 'berth.test/session:1',
      SESSION_POD_PORT: backendPort,
    },
    kubeconfig: own.berthKubeconfig,
    namespace: own.name,
    redis,
    stop: async () => {
      await kubelet.stop();
      await redis.remove();
    },
  };
}

/** Where they are built already: to build them takes longer than the whole bench. */
function controlPlaneAssets(): string | undefined {
  try {
    return execFileSync('scripts/control-plane', ['--if-built', 'etcd', 'kube-apiserver'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
