import type { Pod } from '../pod.js';
import { type CrashCount, lastEndedRun } from './crash-count.js';
import { CONTAINER, containerOf, type ContainerSpec, type PodObject, type Termination } from './pod-object.js';
import { withoutAddresses } from '../../../platform/plain-words.js';

export type PodFailure = NonNullable<Pod['failure']>;
export type PodStatus = Pick<Pod, 'phase' | 'failure' | 'crashed'>;

/** What this replica knows of a pod beyond what its object shows. */
export interface KnownOfPod {
  crashes: CrashCount;
  /** The container's run of this number has answered its health path, whatever the kubelet's probe says so far. */
  reachableRun?: number;
  /** What it printed last before it was given up; empty where that could not be read. */
  lastWords?: string;
}

/** It never gets better by itself: the pod's image is what it is. */
const HOPELESS: ReadonlySet<string | undefined> = new Set(['InvalidImageName']);
/** The kubelet is at work; that is no failure. */
const AT_WORK: ReadonlySet<string | undefined> = new Set(['ContainerCreating', 'PodInitializing', 'CrashLoopBackOff']);

/**
 * What Kubernetes shows, in the words of the port. `ready` is "its container runs and has started": a pod that is too
 * busy for its readiness probe, or whose node is silent for a moment, is slow and not gone. `restarting` is "its
 * container has ended before". Only what can never serve again is dead.
 */
export function podStatus(object: PodObject, known: KnownOfPod): PodStatus {
  return deathOf(object, known) ?? livingStatus(object, known);
}

export function hasEndedBefore(object: PodObject): boolean {
  return lastEndedRun(object) !== undefined || (containerOf(object)?.restartCount ?? 0) > 0;
}

export function isStarted(object: PodObject): boolean {
  const { state, started, ready } = containerOf(object) ?? {};
  return state?.running !== undefined && (started ?? ready ?? false);
}

/** Where its health path is; undefined: its container asks for none. */
export function healthOf(object: PodObject): { path: string; port: number } | undefined {
  const { startupProbe, ports } = specOf(object) ?? {};
  const port = ports?.[0]?.containerPort;
  return port === undefined ? undefined : { path: startupProbe?.httpGet?.path ?? '/', port };
}

function deathOf(object: PodObject, { crashes, lastWords }: KnownOfPod): PodStatus | undefined {
  const { phase, reason, message, conditions } = object.status ?? {};
  const isOver = phase === 'Failed' || phase === 'Succeeded';
  if (isOver && reason) return dead(reason, message ?? 'The pod was ended by its node.');
  const disrupted = conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  if (disrupted) return dead(disrupted.reason ?? 'Disrupted', disrupted.message ?? 'The cluster takes the pod away.');
  // A pod that is being deleted ends as ordered; that its containers end with it is no crash.
  if (object.metadata?.deletionTimestamp !== undefined) return undefined;
  if (isOver) return dead('PodEnded', message ?? 'The pod has ended and is not started again.');
  const waiting = containerOf(object)?.state?.waiting;
  if (HOPELESS.has(waiting?.reason)) return { ...dead(waiting!.reason!, waiting!.message ?? ''), crashed: true };
  if (!crashes.isLooping || lastWords === undefined) return undefined;
  return { phase: 'dead', crashed: true, failure: crashLoop(object, lastWords) };
}

function dead(reason: string, message: string): PodStatus {
  return { phase: 'dead', crashed: false, failure: failure(reason, message) };
}

function livingStatus(object: PodObject, { reachableRun, crashes }: KnownOfPod): PodStatus {
  // About to be given up, as soon as its last words are read: not to be used for that moment.
  if (crashes.isLooping) return { phase: 'restarting', failure: whyRestarting(object) };
  if (isStarted(object) || (reachableRun === runOf(object) && mayAnswer(object))) return { phase: 'ready' };
  if (!hasEndedBefore(object)) return { phase: 'starting', failure: whyNotStarted(object) };
  return { phase: 'restarting', failure: whyRestarting(object) };
}

/** The number of the run that goes on, or is about to begin. */
export function runOf(object: PodObject): number {
  return containerOf(object)?.restartCount ?? 0;
}

/** For the first run the kubelet's word may lag behind; later a waiting or ended container is just that. */
export function mayAnswer(object: PodObject): boolean {
  return containerOf(object)?.state?.running !== undefined || !hasEndedBefore(object);
}

function whyNotStarted(object: PodObject): PodFailure | undefined {
  const { waiting, running } = containerOf(object)?.state ?? {};
  if (waiting?.reason && !AT_WORK.has(waiting.reason)) return failure(waiting.reason, waiting.message ?? '');
  if (running) return failure('NotReady', `It ${doesNotAnswer(object)}.`);
  const scheduled = object.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  return failure(scheduled.reason ?? 'Unschedulable', scheduled.message ?? 'There is no node for the pod yet.');
}

function whyRestarting(object: PodObject): PodFailure | undefined {
  const { waiting, running } = containerOf(object)?.state ?? {};
  if (waiting?.reason && !AT_WORK.has(waiting.reason)) return failure(waiting.reason, waiting.message ?? '');
  const ended = lastEndedRun(object);
  if (!ended) return undefined;
  const { reason, message } = endOfRun(ended.how);
  return running ? failure(reason, `${message} Started again, it ${doesNotAnswer(object)}.`) : { reason, message };
}

function doesNotAnswer(object: PodObject): string {
  const { path, port } = healthOf(object) ?? {};
  return `does not answer GET ${path ?? '/'} on port ${port ?? '?'} yet`;
}

function crashLoop(object: PodObject, lastWords: string): PodFailure {
  const last = endOfRun(lastEndedRun(object)?.how ?? {});
  const printed = lastWords === '' ? '' : ` It printed last:\n${lastWords}`;
  return {
    reason: last.reason === 'OOMKilled' ? last.reason : 'CrashLoopBackOff',
    message: `${last.message} That was the third time without 60 s of running between.${printed}`,
  };
}

function endOfRun({ reason, exitCode, signal, message }: Termination): PodFailure {
  if (reason === 'OOMKilled') {
    return {
      reason,
      message: 'The container was killed: it used more memory than its limit (resources.limits.memory).',
    };
  }
  const told = message ? ` (${withoutAddresses(message)})` : '';
  const isPlainEnd = reason === undefined || reason === 'Error' || reason === 'Completed';
  return {
    reason: isPlainEnd ? 'Exited' : reason,
    message: `The container ${exitWords(exitCode, signal)}${told}.`,
  };
}

const LAST_SIGNAL = 64;

function exitWords(code = 0, signal = code > 128 && code <= 128 + LAST_SIGNAL ? code - 128 : 0): string {
  if (signal === 9) return 'was killed with SIGKILL, by its node or for want of memory';
  if (signal !== 0) return `was ended by signal ${signal}`;
  return code === 0 ? 'exited with code 0, though a pod has to go on serving' : `exited with code ${code}`;
}

function failure(reason: string, message: string): PodFailure {
  return { reason, message: withoutAddresses(message) };
}

function specOf({ spec }: PodObject): ContainerSpec | undefined {
  return spec?.containers?.find(({ name }) => name === CONTAINER);
}
