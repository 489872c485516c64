import { isSteady } from './deadlines.js';
import type { Session } from './session.js';

/** Generations that crash in a row before the session is `failed`. */
export const MOST_CRASHES_IN_A_ROW = 3;

export type InARow = Pick<Session, 'heals' | 'crashes' | 'failures'>;

/** What is counted in a row before this death: 60 s of Ready wipe the slate. */
export function countedBefore(session: Session, nowMs: number): InARow {
  if (isSteady(session, nowMs)) return { heals: 0, crashes: 0, failures: 0 };
  return { heals: session.heals, crashes: session.crashes, failures: session.failures };
}

export function countedAfter(session: Session, crashed: boolean, nowMs: number): InARow {
  const before = countedBefore(session, nowMs);
  return { ...before, heals: before.heals + 1, crashes: before.crashes + (crashed ? 1 : 0) };
}

/** Too many generations crashed by themselves: another one would too. */
export function isHopeless(session: Pick<Session, 'crashes'>): boolean {
  return session.crashes >= MOST_CRASHES_IN_A_ROW;
}

/** A new try after `failed` gets one generation to prove itself, not three. */
export function crashesAllowedFor(retried: Pick<Session, 'crashes'>): number {
  return Math.min(retried.crashes, MOST_CRASHES_IN_A_ROW - 1);
}
