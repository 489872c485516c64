import { randomBytes } from 'node:crypto';

import { apiTime, onlyContainer, type ApiPod } from './api-pod.js';

export interface Termination {
  exitCode: number;
  reason: string;
  message?: string;
  startedAt?: Date;
  finishedAt?: Date;
  containerID?: string;
}

export type ContainerState =
  { waiting: { reason: string; message?: string } } | { running: { startedAt: Date } } | { terminated: Termination };

/** All that a kubelet knows of a pod; what it reports follows from this alone. */
export interface PodFacts {
  /** Since when the kubelet has it. */
  startTime: Date;
  /** Once its network is up. */
  address?: string;
  container: {
    state: ContainerState;
    lastTermination?: Termination;
    restartCount: number;
    isStarted: boolean;
    isReady: boolean;
    id?: string;
  };
  /** It will never run again. */
  end?: { phase: 'Failed' | 'Succeeded'; reason?: string; message?: string };
  disruption?: { reason: string; message: string };
}

export interface Condition {
  type: string;
  status: 'True' | 'False';
  reason?: string;
  message?: string;
}

export function newContainerId(): string {
  return `containerd://${randomBytes(32).toString('hex')}`;
}

/** A strategic merge patch of the status: conditions are merged by type, so those of others stay. */
export function statusPatch(pod: ApiPod, facts: PodFacts, hostIP: string, conditions: readonly object[]): object {
  const { address, end } = facts;
  const status = {
    observedGeneration: pod.metadata.generation,
    phase: phaseOf(facts),
    reason: end?.reason,
    message: end?.message,
    conditions,
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(address && { podIP: address, podIPs: [{ ip: address }] }),
    startTime: apiTime(facts.startTime),
    containerStatuses: [containerStatus(pod, facts)],
  };
  return { metadata: { uid: pod.metadata.uid }, status };
}

function phaseOf({ end, container }: PodFacts): string {
  if (end) return end.phase;
  return 'waiting' in container.state && !container.lastTermination ? 'Pending' : 'Running';
}

function containerStatus(pod: ApiPod, { container }: PodFacts): object {
  const { name, image } = onlyContainer(pod);
  const { state, lastTermination, restartCount, isReady, isStarted, id } = container;
  return {
    name,
    image,
    imageID: id ? `${image}@sha256:${'0'.repeat(64)}` : '',
    ...(id && { containerID: id }),
    restartCount,
    ready: isReady,
    started: isStarted,
    state: stateOf(state),
    lastState: lastTermination ? { terminated: terminationOf(lastTermination) } : {},
  };
}

function stateOf(state: ContainerState): object {
  if ('running' in state) return { running: { startedAt: apiTime(state.running.startedAt) } };
  return 'terminated' in state ? { terminated: terminationOf(state.terminated) } : state;
}

function terminationOf({ startedAt, finishedAt, ...rest }: Termination): object {
  return {
    ...rest,
    startedAt: startedAt ? apiTime(startedAt) : null,
    finishedAt: finishedAt ? apiTime(finishedAt) : null,
  };
}

/** PodScheduled is not among them: binding the pod sets it. */
export function conditionsOf(pod: ApiPod, facts: PodFacts): Condition[] {
  const { address, disruption } = facts;
  return [
    { type: 'PodReadyToStartContainers', status: address && !facts.end ? 'True' : 'False' },
    { type: 'Initialized', status: 'True' },
    { type: 'Ready', ...readiness(pod, facts) },
    { type: 'ContainersReady', ...readiness(pod, facts) },
    ...(disruption ? [{ type: 'DisruptionTarget', status: 'True', ...disruption } as const] : []),
  ];
}

function readiness(pod: ApiPod, { end, container }: PodFacts): Omit<Condition, 'type'> {
  if (end) return { status: 'False', reason: end.phase === 'Failed' ? 'PodFailed' : 'PodCompleted' };
  if (container.isReady) return { status: 'True' };
  const message = `containers with unready status: [${onlyContainer(pod).name}]`;
  return { status: 'False', reason: 'ContainersNotReady', message };
}
