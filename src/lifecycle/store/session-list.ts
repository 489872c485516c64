import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import type { SessionFilter } from './session-store.js';

export interface OrderedRecords {
  get(id: SessionId): Session | undefined;
  /** Every id, ascending. */
  ids(): readonly SessionId[];
}

/** Pages by id, so that a page is never disturbed by what comes and goes elsewhere. */
export function sessionPage(
  records: OrderedRecords,
  filter: SessionFilter,
): { sessions: readonly Session[]; next?: string } {
  const ids = records.ids();
  const sessions: Session[] = [];
  for (let at = firstAfter(ids, filter.cursor); at < ids.length; at += 1) {
    const session = records.get(ids[at]!);
    if (!session || !matches(session, filter)) continue;
    if (sessions.length === filter.limit) return { sessions, next: sessions.at(-1)?.id };
    sessions.push(session);
  }
  return { sessions };
}

function firstAfter(ids: readonly SessionId[], cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! <= cursor) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Ended sessions are listed only when they are asked for. */
function matches(session: Session, { owner, state, template }: SessionFilter): boolean {
  if (owner !== undefined && session.owner !== owner) return false;
  if (template !== undefined && session.template !== template) return false;
  return state === undefined ? session.state !== 'ended' : session.state === state;
}
