import type { Session } from './session.js';

/** When is a session idle, when has it lived too long, how long is a pause: pure functions of what is recorded. */

export const STEADY_AFTER_MS = 60_000;
export const LONGEST_TOUCH_WINDOW_MS = 5_000;
export const ARRIVAL_MS = 1_000;
const LONGEST_BACK_OFF_MS = 60_000;
const FIRST_FAILED_BACK_OFF_MS = 10_000;

type Timing = Pick<Session, 'idleTimeoutMs' | 'maxLifetimeMs' | 'openedAtMs' | 'lastUsedAtMs'> &
  Partial<Pick<Session, 'state' | 'lastFailure' | 'readyAtMs'>>;

/** How old the last touch may be before a request has to go through the store; also the period of the heartbeat. */
export function touchWindowMs(session: Pick<Session, 'idleTimeoutMs'>): number {
  return Math.min(LONGEST_TOUCH_WINDOW_MS, session.idleTimeoutMs / 4);
}

/**
 * A session that has just become ready is left alone for a moment, however long the start took: what was held for it
 * must be able to come in.
 */
function arrivedAtMs(session: Timing): number {
  if (session.state !== 'ready' || session.readyAtMs === undefined) return 0;
  return session.readyAtMs + Math.min(ARRIVAL_MS, touchWindowMs(session));
}

/** A failed session is kept for its idle timeout after it failed, so that its owner can still read why. */
export function idleAtMs(session: Timing): number {
  const failedAtMs = session.state === 'failed' ? (session.lastFailure?.atMs ?? 0) : 0;
  return Math.max(Math.max(session.lastUsedAtMs, failedAtMs) + session.idleTimeoutMs, arrivedAtMs(session));
}

/** When its lifetime is over; undefined: never. */
export function expiresAtMs(session: Timing): number | undefined {
  if (session.maxLifetimeMs === 0) return undefined;
  return Math.max(session.openedAtMs + session.maxLifetimeMs, arrivedAtMs(session));
}

export function isExpired(session: Timing, nowMs: number): boolean {
  return nowMs >= (expiresAtMs(session) ?? Infinity);
}

/** Why a ready or failed session is to be reaped now; undefined: it is not. */
export function reapReason(session: Timing, nowMs: number): 'idle' | 'lifetime' | undefined {
  if (isExpired(session, nowMs)) return 'lifetime';
  return nowMs >= idleAtMs(session) ? 'idle' : undefined;
}

/** When somebody has to look at this session again; undefined: never (it has ended, and no pod of it is left). */
export function dueAtMs(session: Session): number | undefined {
  switch (session.state) {
    case 'creating':
      return session.startDeadlineAtMs;
    case 'ready':
    case 'failed':
      return Math.min(idleAtMs(session), expiresAtMs(session) ?? Infinity);
    case 'terminating':
      return session.lastUsedAtMs;
    case 'ended':
      return session.forgetAtMs === undefined ? session.lastUsedAtMs : undefined;
  }
}

/** The pause before the next heal after this many in a row: 0, 1, 2, 4 … 60 s. */
export function healBackOffMs(healsInARow: number): number {
  return healsInARow === 0 ? 0 : Math.min(LONGEST_BACK_OFF_MS, 1_000 * 2 ** (healsInARow - 1));
}

/** How long a failed session refuses to try again: 10 s doubling to 60 s. */
export function failedBackOffMs(failuresInARow: number): number {
  return Math.min(LONGEST_BACK_OFF_MS, FIRST_FAILED_BACK_OFF_MS * 2 ** failuresInARow);
}

/** Has the present pod been ready long enough that what happened before it is forgotten? */
export function isSteady(session: Session, nowMs: number): boolean {
  return session.state === 'ready' && session.readyAtMs !== undefined && nowMs - session.readyAtMs >= STEADY_AFTER_MS;
}

/** A leader reaps this session only after it has had store and runtime unbroken this long: three heartbeats plus 2 s. */
export function calmBeforeReapingMs(session: Pick<Session, 'idleTimeoutMs'>): number {
  return 3 * touchWindowMs(session) + 2_000;
}
