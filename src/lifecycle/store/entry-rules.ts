import { isExpired } from '../deadlines.js';
import { isLive } from '../session-states.js';
import { type Caller, mayReach, type Opening, type Session, wasEnded } from '../session.js';
import { isConflict, lookOf } from './record-rules.js';
import type { Refused } from './session-store.js';

/** `open`: begin the next generation, if the limits allow. `touch`: it is there, and is used now. `show`: as it is. */
export type Entry = 'open' | 'touch' | 'show' | Exclude<Refused, 'owner-limit' | 'session-limit'>;

/** What a request for a session comes to, by the record that stands (or none). */
export function entryOf(record: Session | undefined, caller: Caller, opening: Opening, nowMs: number): Entry {
  if (record && !mayReach(record, caller)) return 'not-yours';
  if (record && wasEnded(record, opening.heldFor ?? Infinity)) return 'ended';
  if (!record || !isLive(record.state)) return openingOf(record, caller, opening);
  if (opening.denied?.includes(record.template)) return 'forbidden';
  if (!isGenerationAsked(record, opening)) return 'other-generation';
  const isOver = isExpired(record, nowMs);
  if (isOver && record.state === 'ready') return openingOf(record, caller, opening);
  if (!isOver && isConflict(record, opening)) return 'conflict';
  if (record.state !== 'failed') return 'touch';
  return nowMs >= (record.retryAtMs ?? 0) ? 'open' : 'show';
}

/** Nothing is there, or nothing that may go on. What has ended is opened again by its owner alone. */
function openingOf(record: Session | undefined, caller: Caller, opening: Opening): Entry {
  if (record && !isLive(record.state) && record.owner !== caller.owner) return 'not-yours';
  if (opening.denied?.includes(lookOf(record, opening).template)) return 'forbidden';
  return opening.onlyGeneration === undefined ? 'open' : 'other-generation';
}

/** A session that failed has no pod of any generation. */
function isGenerationAsked(record: Session, { onlyGeneration }: Opening): boolean {
  return onlyGeneration === undefined || (record.generation === onlyGeneration && record.state !== 'failed');
}
