import { failedBackOffMs, healBackOffMs, isExpired } from '../deadlines.js';
import { countedBefore, isHopeless } from '../crash-counts.js';
import type { Pod } from '../runtime/pod.js';
import { isKnown } from '../session-states.js';
import type { Failure, Session } from '../session.js';
import type { PodDeath } from '../store/session-store.js';

/**
 * The one function from facts to what is to be done next for a session. Whoever does it (any replica with requests
 * waiting, or the leader) takes it through compare-and-set, so that it does not matter how many try.
 */
export type Step =
  /** Nothing, until something changes. */
  | { kind: 'rest' }
  /** Nothing before this much time has passed. */
  | { kind: 'wait'; ms: number }
  /** Make the pod. */
  | { kind: 'start' }
  /** A pod of this generation exists that the record does not name yet. */
  | { kind: 'name'; pod: Pod }
  | { kind: 'mark-ready'; pod: Pod; address: string }
  /** The view has no such pod: only a live answer tells whether it is gone. */
  | { kind: 'look'; podName: string }
  | { kind: 'replace'; death: PodDeath; startAfterMs: number }
  | { kind: 'fail'; failure: Failure; backOffMs: number }
  /** The start deadline has passed: look once more, then fail. */
  | { kind: 'give-up'; podName: string | undefined }
  | { kind: 'finish'; pods: 'left' | 'none' };

export type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

export function nextStep(session: Session, pods: readonly Pod[], nowMs: number): Step {
  switch (session.state) {
    case 'creating':
      return stepOfCreating(session, pods, nowMs);
    case 'ready':
      return stepOfReady(session, pods, nowMs);
    case 'failed':
      return { kind: 'rest' };
    case 'terminating':
      return stepOfEnding(pods);
    case 'ended':
      return pods.length === 0 && session.forgetAtMs === undefined
        ? { kind: 'finish', pods: 'none' }
        : { kind: 'rest' };
    default:
      // A state of a later version: left to those who know it.
      return { kind: 'rest' };
  }
}

function stepOfCreating(session: Session, pods: readonly Pod[], nowMs: number): Step {
  // A ready session whose third pod in a row crashed comes here by way of a replacement.
  if (isHopeless(session) && session.lastFailure && !session.pod) return failStep(session, session.lastFailure);
  if (nowMs >= (session.startDeadlineAtMs ?? Infinity)) return { kind: 'give-up', podName: session.pod?.name };
  const waitMs = (session.startDeadlineAtMs ?? Infinity) - nowMs;
  if (session.pod) return stepOfNamed(session, pods, { nowMs, waitMs });
  const own = pods.find((pod) => isPodOf(session, pod));
  if (own) return { kind: 'name', pod: own };
  const startInMs = (session.startNotBeforeMs ?? 0) - nowMs;
  return startInMs > 0 ? { kind: 'wait', ms: startInMs } : { kind: 'start' };
}

function stepOfNamed(
  session: Session,
  pods: readonly Pod[],
  { nowMs, waitMs }: { nowMs: number; waitMs: number },
): Step {
  const pod = pods.find(({ uid }) => uid === session.pod?.uid);
  if (!pod) return { kind: 'look', podName: session.pod!.name };
  const death = deathOf(pod, nowMs);
  if (death?.crashed && isHopeless({ crashes: session.crashes + 1 })) return failStep(session, death);
  if (death) return replaceStep(session, death, nowMs);
  if (pod.phase === 'ready' && pod.address) return { kind: 'mark-ready', pod, address: pod.address };
  return { kind: 'wait', ms: waitMs };
}

function stepOfReady(session: Session, pods: readonly Pod[], nowMs: number): Step {
  const pod = pods.find(({ uid }) => uid === session.pod?.uid);
  if (!pod) return { kind: 'look', podName: session.pod!.name };
  const death = deathOf(pod, nowMs);
  return death ? replaceStep(session, death, nowMs) : { kind: 'rest' };
}

function stepOfEnding(pods: readonly Pod[]): Step {
  if (pods.length === 0) return { kind: 'finish', pods: 'none' };
  return pods.every(({ deleting }) => deleting) ? { kind: 'finish', pods: 'left' } : { kind: 'rest' };
}

/** May this pod serve this opening: equal id, owner and generation, not condemned, not being deleted? */
export function isPodOf(session: Session, pod: Pod): boolean {
  const { assignment } = pod;
  if (assignment?.id !== session.id || assignment.owner !== session.owner) return false;
  return assignment.generation === session.generation && pod.markedUntilMs === undefined && !pod.deleting;
}

/** Only what the runtime says of the pod kills it: a pod that answers slowly is not dead. */
export function deathOf(pod: Pod, nowMs: number): PodDeath | undefined {
  if (pod.phase === 'dead') {
    const { reason, message } = pod.failure ?? { reason: 'PodDied', message: 'The pod died.' };
    return { reason, message, atMs: nowMs, crashed: pod.crashed ?? false };
  }
  return pod.deleting ? deleted(nowMs) : undefined;
}

export function deleted(nowMs: number): PodDeath {
  return { reason: 'PodDeleted', message: 'The pod was deleted by somebody else.', atMs: nowMs, crashed: false };
}

export function replaceStep(session: Session, death: PodDeath, nowMs: number): StepOf<'replace'> {
  return { kind: 'replace', death, startAfterMs: healBackOffMs(countedBefore(session, nowMs).heals) };
}

export function failStep(session: Session, why: Failure): StepOf<'fail'> {
  return { kind: 'fail', failure: why, backOffMs: failedBackOffMs(session.failures) };
}

/** Pods of this session that its record does not name: to be condemned, and deleted when their time has come. */
export function straysOf(session: Session | undefined, pods: readonly Pod[]): readonly Pod[] {
  return pods.filter((pod) => !isNamed(session, pod));
}

function isNamed(session: Session | undefined, pod: Pod): boolean {
  if (session && !isKnown(session.state)) return true;
  if (session?.state !== 'creating' && session?.state !== 'ready') return false;
  return session.pod ? session.pod.uid === pod.uid : isPodOf(session, pod);
}

/** What is open to a pod past its lifetime gets the drain time; any other condemned pod goes at once. */
export function deleteAfterMs(pod: Pod, drainMs: number, nowMs: number): number {
  const { assignment } = pod;
  if (!assignment || !isExpired({ ...assignment, lastUsedAtMs: 0 }, nowMs)) return nowMs;
  return Math.max(nowMs, assignment.openedAtMs + assignment.maxLifetimeMs + drainMs);
}
