import { countedAfter, crashesAllowedFor } from '../crash-counts.js';
import type { Pod } from '../runtime/pod.js';
import type { SessionId } from '../session-id.js';
import { assertMove, type SessionState } from '../session-states.js';
import {
  type Caller,
  type EndedBy,
  type Failure,
  latestEnded,
  type Opening,
  type Session,
  type Timeouts,
} from '../session.js';
import { isExpired } from '../deadlines.js';
import type { PodDeath } from './session-store.js';

/**
 * What each move writes: pure functions from the record as it is to the record as it will be. Whether the move may
 * be made (the compares) is the store's business; `version` and `dueAtMs` are set where a record is written.
 */
export type Draft = Omit<Session, 'version' | 'dueAtMs'>;

/** What belongs to a start under way. */
const START = ['startDeadlineAtMs', 'startNotBeforeMs', 'triedAtMs'] as const;

function without<K extends keyof Session>(session: Session, ...names: readonly K[]): Omit<Session, K> {
  const rest: Partial<Session> = { ...session };
  for (const name of names) delete rest[name];
  return rest as Omit<Session, K>;
}

type Look = Pick<Session, 'template' | 'env' | 'idleTimeoutMs' | 'maxLifetimeMs'>;

function freshLook({ asked, otherwise }: Opening): Look {
  return {
    template: asked.template ?? otherwise.template,
    env: asked.env ?? otherwise.env,
    idleTimeoutMs: asked.idleTimeoutMs ?? otherwise.idleTimeoutMs,
    maxLifetimeMs: asked.maxLifetimeMs ?? otherwise.maxLifetimeMs,
  };
}

/** A reaped session comes back as it was, unless another template is asked for, or there is none of that name any more. */
function keptLook(previous: Session, opening: Opening): Look {
  const { asked, offered } = opening;
  if (asked.template !== undefined && asked.template !== previous.template) return freshLook(opening);
  if (offered && !offered.includes(previous.template)) return freshLook(opening);
  return {
    template: previous.template,
    env: asked.env ?? previous.env,
    idleTimeoutMs: asked.idleTimeoutMs ?? previous.idleTimeoutMs,
    maxLifetimeMs: asked.maxLifetimeMs ?? previous.maxLifetimeMs,
  };
}

/** What the next opening of this session would look like. */
export function lookOf(previous: Session | undefined, opening: Opening): Look {
  const isKept = previous !== undefined && previous.endedBy !== 'request';
  return isKept ? keptLook(previous, opening) : freshLook(opening);
}

export interface Begin {
  id: SessionId;
  caller: Caller;
  opening: Opening;
  nowMs: number;
  startTimeoutMs: number;
}

export function begun(previous: Session | undefined, begin: Begin): Draft {
  const { id, caller, opening, nowMs, startTimeoutMs } = begin;
  const state = assertMove(previous?.state ?? 'absent', 'open');
  const startDeadlineAtMs = nowMs + startTimeoutMs;
  const generation = (previous?.generation ?? 0) + 1;
  const look = lookOf(previous, opening);
  if (previous?.state === 'failed' && !isExpired(previous, nowMs)) {
    return retried(previous, look, { nowMs, startDeadlineAtMs });
  }
  const endedOpening = previous && latestEnded(previous);
  return {
    id,
    owner: previous?.owner ?? caller.owner,
    state,
    generation,
    opening: (previous?.opening ?? 0) + 1,
    ...(endedOpening === undefined ? {} : { endedOpening }),
    ...look,
    openedAtMs: nowMs,
    lastUsedAtMs: nowMs,
    requests: 0,
    startDeadlineAtMs,
    heals: 0,
    crashes: 0,
    failures: 0,
  };
}

/** A failed session tries again: the same opening, but a pod of its own generation. */
function retried(failed: Session, look: Look, when: { nowMs: number; startDeadlineAtMs: number }): Draft {
  return {
    ...without(failed, 'retryAtMs', 'lastFailure'),
    ...look,
    state: assertMove('failed', 'open'),
    generation: failed.generation + 1,
    crashes: crashesAllowedFor(failed),
    lastUsedAtMs: when.nowMs,
    startDeadlineAtMs: when.startDeadlineAtMs,
  };
}

export function touched(session: Session, requests: number, usedAtMs: number): Draft {
  return { ...session, lastUsedAtMs: Math.max(session.lastUsedAtMs, usedAtMs), requests: session.requests + requests };
}

export function podNamed(session: Session, pod: Pod): Draft {
  return { ...session, pod: { name: pod.name, uid: pod.uid, node: pod.node } };
}

/** Being started for its opening is use; being healed is not. */
export function madeReady(session: Session, address: string, nowMs: number): Draft {
  return {
    ...without(session, ...START),
    state: assertMove(session.state, 'markReady'),
    pod: session.pod && { ...session.pod, address },
    readyAtMs: nowMs,
    lastUsedAtMs: session.heals === 0 ? nowMs : session.lastUsedAtMs,
  };
}

interface Replacement {
  death: PodDeath;
  startAfterMs: number;
  startTimeoutMs: number;
  nowMs: number;
}

export function replaced(session: Session, { death, startAfterMs, startTimeoutMs, nowMs }: Replacement): Draft {
  const { crashed, ...lastFailure } = death;
  return {
    ...without(session, 'pod', 'readyAtMs', 'triedAtMs'),
    ...countedAfter(session, crashed, nowMs),
    state: assertMove(session.state, 'replace'),
    generation: session.generation + 1,
    lastFailure: { ...lastFailure, atMs: nowMs },
    startNotBeforeMs: nowMs + startAfterMs,
    startDeadlineAtMs: session.startDeadlineAtMs ?? nowMs + startAfterMs + startTimeoutMs,
  };
}

export function failed(session: Session, failure: Failure, backOffMs: number, nowMs: number): Draft {
  return {
    ...without(session, ...START, 'pod'),
    state: assertMove(session.state, 'fail'),
    failures: session.failures + 1,
    lastFailure: { ...failure, atMs: nowMs },
    retryAtMs: nowMs + backOffMs,
  };
}

export function terminating(session: Session, endedBy: EndedBy): Draft {
  const state = assertMove(session.state, endedBy === 'request' ? 'end' : 'reap');
  return { ...without(session, ...START, 'readyAtMs', 'retryAtMs'), state, endedBy };
}

export function ended(session: Session, forgetAtMs: number | undefined): Draft {
  return { ...without(session, 'pod'), state: assertMove(session.state, 'finish'), forgetAtMs };
}

/** After an import: its pod is not among the living. */
export function lost(session: Session, forgetAtMs: number): Draft {
  return { ...without(session, 'pod', 'readyAtMs'), state: assertMove(session.state, 'importLost'), forgetAtMs };
}

export function changed(session: Session, { idleTimeoutMs, maxLifetimeMs }: Timeouts): Draft {
  return {
    ...session,
    idleTimeoutMs: idleTimeoutMs ?? session.idleTimeoutMs,
    maxLifetimeMs: maxLifetimeMs ?? session.maxLifetimeMs,
  };
}

/** The record that a pod by itself bears witness to; its activity counts from now. */
export function imported(
  from: SessionState | 'absent',
  pod: Pod,
  now: { nowMs: number; startTimeoutMs: number },
): Draft | undefined {
  if (!pod.assignment) return undefined;
  const isReady = (pod.phase === 'ready' || pod.phase === 'restarting') && pod.address !== undefined;
  return {
    ...pod.assignment,
    state: assertMove(from, isReady ? 'import' : 'importUnready'),
    pod: { name: pod.name, uid: pod.uid, node: pod.node, ...(isReady ? { address: pod.address } : {}) },
    lastUsedAtMs: now.nowMs,
    requests: 0,
    heals: 0,
    crashes: 0,
    failures: 0,
    ...(isReady ? { readyAtMs: pod.assignment.openedAtMs } : { startDeadlineAtMs: now.nowMs + now.startTimeoutMs }),
  };
}

/** A generation is one pod for ever: of two that bear witness to the same one, the one that is named already stays. */
export function outranks(standing: Session, imported: Draft): boolean {
  if (standing.generation !== imported.generation) return standing.generation > imported.generation;
  return standing.pod !== undefined && standing.pod.uid !== imported.pod?.uid;
}

/** The start goes on for so much longer: what it waits for is away. */
export function prolonged(session: Session, untilMs: number): Draft {
  return { ...session, startDeadlineAtMs: Math.max(session.startDeadlineAtMs ?? 0, untilMs) };
}

/** Does asking this of a live session ask for another template or environment than it has? */
export function isConflict(session: Session, { asked }: Opening): boolean {
  if (asked.template !== undefined && asked.template !== session.template) return true;
  return asked.env !== undefined && !isSameEnv(asked.env, session.env);
}

function isSameEnv(one: Session['env'], other: Session['env']): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
