import { setTimeout as pause } from 'node:timers/promises';

import { ApiRefusal } from './api-client.js';
import { apiTime, podPath, type ApiPod } from './api-pod.js';
import type { KubeletParts } from './kubelet-parts.js';

const RETRY_MS = 100;

/** Calls again until the API server has answered. Undefined: it refused, as the pod is gone or another. */
export async function insist<T>(
  parts: Pick<KubeletParts, 'untilThere' | 'stopping'>,
  call: () => Promise<T>,
  isOver: () => boolean = () => false,
): Promise<T | undefined> {
  for (;;) {
    await parts.untilThere();
    if (parts.stopping.aborted || isOver()) return undefined;
    try {
      return await call();
    } catch (error) {
      if (error instanceof ApiRefusal && [404, 409].includes(error.status)) return undefined;
      // A refusal that lasts is a fault of the test kubelet; anything else an outage.
      if (error instanceof ApiRefusal && error.status < 429) throw error;
      await pause(RETRY_MS);
    }
  }
}

/** Tries to have the pod on this node; false: another one has it, or it is gone. */
export async function bind(parts: KubeletParts, pod: ApiPod, isOver: () => boolean): Promise<boolean> {
  const { name, uid } = pod.metadata;
  const target = { apiVersion: 'v1', kind: 'Node', name: parts.nodeName };
  const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name, uid }, target };
  const post = (): Promise<unknown> => parts.client.call(`${podPath(pod)}/binding`, { method: 'POST', body });
  if (await insist(parts, post, isOver)) return true;
  // A binding whose answer was lost is refused the second time, but ours.
  const found = await insist(parts, () => parts.client.call<ApiPod>(podPath(pod)), isOver);
  return found?.metadata.uid === uid && found.spec.nodeName === parts.nodeName;
}

/** What the scheduler says of a pod for which it finds no node. */
export async function sayUnschedulable(parts: KubeletParts, pod: ApiPod, message: string): Promise<void> {
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
  const conditions = [{ ...condition, lastTransitionTime: apiTime(new Date()) }];
  const body = { metadata: { uid: pod.metadata.uid }, status: { conditions } };
  const contentType = 'application/strategic-merge-patch+json';
  await insist(parts, () => parts.client.call(`${podPath(pod)}/status`, { method: 'PATCH', body, contentType }));
  parts.record(pod, 'FailedScheduling', message);
}

/** The last word of a kubelet on a pod whose deletion was ordered. */
export async function removeForGood(parts: KubeletParts, pod: ApiPod): Promise<void> {
  const body = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
  await insist(parts, () => parts.client.call(podPath(pod), { method: 'DELETE', body }));
}

let events = 0;

export async function recordEvent(parts: KubeletParts, pod: ApiPod, reason: string, message: string): Promise<void> {
  const { name, namespace, uid } = pod.metadata;
  const now = apiTime(new Date());
  const body = {
    metadata: { name: `${name}.${parts.nodeName}.${++events}`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
    reason,
    message,
    type: 'Warning',
    source: reason === 'FailedScheduling' ? { component: 'scheduler' } : { component: 'kubelet', host: parts.nodeName },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
  const path = `/api/v1/namespaces/${namespace}/events`;
  await insist(parts, () => parts.client.call(path, { method: 'POST', body }));
}
