import type { ApiClient } from './api-client.js';
import type { ApiPod } from './api-pod.js';
import type { ContainerRun, RunOrder } from './container-run.js';
import type { Fates } from './fates.js';

/** What the lives of all pods on one test kubelet share. */
export interface KubeletParts {
  client: ApiClient;
  nodeName: string;
  hostIP: string;
  fates: Fates;
  startRun(order: RunOrder): ContainerRun;
  /** False: nothing runs, it is only said so. */
  isReal: boolean;
  /** How often a container is asked, before and after it is ready. */
  probing: { periodMs: number; readyPeriodMs: number };
  /** The waits before the first, second, … restart; a run of `resetMs` begins anew. */
  backOff: { stepsMs: readonly number[]; resetMs: number };
  /** No pod gets longer than this for its end. */
  longestGraceMs: number;
  /** Resolves at once unless the node is lost; also when the kubelet stops. */
  untilThere(): Promise<void>;
  /** A Warning event of the pod. */
  record(pod: ApiPod, reason: string, message: string): void;
  /** The kubelet stops: nothing is tried again. */
  stopping: AbortSignal;
  /** Something that no test ordered. */
  failed(error: unknown): void;
}
