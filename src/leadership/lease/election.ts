/**
 * When a replica may take the lease, and when it has to renew it: pure functions of what was seen and when. `now` and
 * every `…Ms` moment are of the replica's own monotonic clock. The times written in the lease decide nothing, so
 * clocks that differ do no harm; clocks that run at different speeds do once they differ by more than
 * leaseMs / renewDeadlineMs.
 *
 * Not guaranteed: that nobody else leads. A lease does not fence. A process that was stopped between looking at the
 * clock and acting acts late, which is why every task of the leader compares and sets.
 */
import { isDeepStrictEqual } from 'node:util';

import type { LeaseDurations } from './lease-durations.js';
import type { Lease } from './lease-lock.js';
import { type LeaseRecord, microTime } from './lease-record.js';

/** A lease as it was last seen; absent when there was none. */
export interface Observation {
  lease: Lease | undefined;
  /** When it was first seen to be like this. Another version of the same record is no renewal. */
  sinceMs: number;
}

export interface Candidate {
  identity: string;
  durations: LeaseDurations;
  /** How long this one holds back when the lease has become free, so that not all come at once. */
  holdBackMs: number;
}

/** The same moment on the monotonic clock, which decides, and on the wall clock, which is written down for people. */
export interface Now {
  monotonicMs: number;
  wallMs: number;
}

export type Move =
  | { do: 'look' }
  | { do: 'create'; record: LeaseRecord }
  | { do: 'update'; lease: Lease; record: LeaseRecord }
  | { do: 'wait'; untilMs: number }
  | { do: 'lose'; to: string };

export function observe(before: Observation | undefined, lease: Lease | undefined, nowMs: number): Observation {
  const isSame = before !== undefined && isDeepStrictEqual(before.lease?.record, lease?.record);
  return { lease, sinceMs: isSame ? before.sinceMs : nowMs };
}

/** For as long as its holder has not been silent for the time that it promised. */
export function isHeld({ lease, sinceMs }: Observation, nowMs: number): boolean {
  return lease !== undefined && lease.record.holder !== '' && nowMs < sinceMs + lease.record.durationMs;
}

/** What one does that does not lead. Its own name in the lease is from a write whose answer was lost: it goes on. */
export function candidateMove({ lease, sinceMs }: Observation, candidate: Candidate, now: Now): Move {
  if (lease === undefined) return takeFrom(sinceMs, lease, candidate, now);
  const { holder, durationMs } = lease.record;
  if (holder === candidate.identity) return { do: 'update', lease, record: renewed(lease.record, candidate, now) };
  return takeFrom(holder === '' ? sinceMs : sinceMs + durationMs, lease, candidate, now);
}

/** What the leader does. A lease that vanished or was emptied under its hands it writes again, if it is the first. */
export function leaderMove({ lease }: Observation, candidate: Candidate, now: Now, renewAtMs: number): Move {
  const holder = lease?.record.holder ?? '';
  if (lease === undefined || holder === '') return take(lease, candidate, now);
  if (holder !== candidate.identity) return { do: 'lose', to: holder };
  if (now.monotonicMs < renewAtMs) return { do: 'wait', untilMs: renewAtMs };
  return { do: 'update', lease, record: renewed(lease.record, candidate, now) };
}

function takeFrom(freeAtMs: number, lease: Lease | undefined, candidate: Candidate, now: Now): Move {
  const untilMs = freeAtMs + candidate.holdBackMs;
  return now.monotonicMs < untilMs ? { do: 'wait', untilMs } : take(lease, candidate, now);
}

function take(lease: Lease | undefined, candidate: Candidate, now: Now): Move {
  const record = acquired(lease?.record, candidate, now);
  return lease ? { do: 'update', lease, record } : { do: 'create', record };
}

function acquired(before: LeaseRecord | undefined, { identity, durations }: Candidate, { wallMs }: Now): LeaseRecord {
  const at = microTime(wallMs);
  const transitions = before ? before.transitions + 1 : 0;
  return { holder: identity, durationMs: durations.leaseMs, acquiredAt: at, renewedAt: at, transitions };
}

function renewed(record: LeaseRecord, { durations }: Candidate, { wallMs }: Now): LeaseRecord {
  return { ...record, durationMs: durations.leaseMs, renewedAt: microTime(wallMs) };
}
