import { KubernetesSessionRuntime } from '../../src/lifecycle/runtime/kubernetes/kubernetes-session-runtime.js';
import type { PodSettings } from '../../src/lifecycle/runtime/kubernetes/pod-spec.js';
import { SystemClock } from '../../src/platform/clock.js';
import { KubernetesClient, type KubernetesOptions } from '../../src/platform/kubernetes/kubernetes-client.js';
import type { Logger } from '../../src/platform/logger.js';
import { SystemRandomness } from '../../src/platform/randomness.js';
import type { OwnNamespace } from './kubernetes/index.js';
import { POD_SETTINGS } from './pod-objects.js';
import { SilentLogger } from './silent-logger.js';

export interface OwnKubernetesRuntime {
  runtime: KubernetesSessionRuntime;
  close(): Promise<void>;
}

interface Facts {
  settings?: Partial<PodSettings>;
  client?: Partial<KubernetesOptions>;
  logger?: Logger;
}

/** A runtime in real time, with the rights that the chart gives to Berth. */
export function kubernetesRuntime(own: OwnNamespace, facts: Facts = {}): OwnKubernetesRuntime {
  const client = KubernetesClient.load({ kubeconfigPath: own.berthKubeconfig, namespace: own.name, ...facts.client });
  const settings = { ...POD_SETTINGS, ...facts.settings };
  const logger = facts.logger ?? new SilentLogger();
  const runtime = new KubernetesSessionRuntime(client, settings, new SystemClock(), new SystemRandomness(), logger);
  const close = async (): Promise<void> => {
    await runtime.stop();
    await client.close();
  };
  return { runtime, close };
}
