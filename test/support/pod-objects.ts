import type { PodOrder } from '../../src/lifecycle/runtime/pod.js';
import { coldPod } from '../../src/lifecycle/runtime/kubernetes/pod-manifest.js';
import type { ContainerStatus, PodObject, PodObjectStatus } from '../../src/lifecycle/runtime/kubernetes/pod-object.js';
import type { PodSettings } from '../../src/lifecycle/runtime/kubernetes/pod-spec.js';
import { sessionId } from './openings.js';
import { plainTemplate } from './process-runtime.js';

export const POD_SETTINGS: PodSettings = {
  image: 'berth.test/session:1',
  cpuRequest: '10m',
  cpuLimit: '1',
  memoryRequest: '16Mi',
  memoryLimit: '512Mi',
  startTimeoutMs: 30_000,
};

const CREATED_AT = '2027-01-15T08:00:00Z';

export function podOrder(facts: Partial<PodOrder> = {}): PodOrder {
  const definition = plainTemplate([], { hash: 'abc' });
  return {
    id: sessionId('alpha'),
    owner: 'alice',
    generation: 1,
    opening: 1,
    template: definition.name,
    env: {},
    idleTimeoutMs: 600_000,
    maxLifetimeMs: 0,
    openedAtMs: 1_800_000_000_000,
    definition,
    ...facts,
  };
}

/** A pod as the API server shows it: what Berth wrote, and this status of it. */
export function podObject(status: PodObjectStatus = {}, metadata: PodObject['metadata'] = {}): PodObject {
  const { metadata: own, spec } = coldPod(podOrder(), POD_SETTINGS) as PodObject;
  const born = { uid: 'uid-1', resourceVersion: '7', creationTimestamp: CREATED_AT };
  return { spec, status: { startTime: CREATED_AT, ...status }, metadata: { ...own, ...born, ...metadata } };
}

/** With these facts of its container. */
export function podWithContainer(facts: Partial<ContainerStatus>, status: PodObjectStatus = {}): PodObject {
  const container = { name: 'session', restartCount: 0, started: false, ready: false, ...facts };
  return podObject({ phase: 'Running', containerStatuses: [container], ...status });
}

/** This many seconds after the pod was created. */
export function at(seconds: number): string {
  return new Date(Date.parse(CREATED_AT) + seconds * 1_000).toISOString().replace('.000', '');
}
