import type { Session } from '../session.js';
import type { SessionFilter } from './session-store.js';

/** Pages by id, so that a page is never disturbed by what comes and goes elsewhere. */
export function sessionPage(
  all: readonly Session[],
  filter: SessionFilter,
): { sessions: readonly Session[]; next?: string } {
  const matching = all
    .filter((session) => matches(session, filter) && (filter.cursor === undefined || session.id > filter.cursor))
    .sort((one, other) => (one.id < other.id ? -1 : 1));
  const sessions = matching.slice(0, filter.limit);
  return matching.length > sessions.length ? { sessions, next: sessions.at(-1)?.id } : { sessions };
}

/** Ended sessions are listed only when they are asked for. */
function matches(session: Session, { owner, state, template }: SessionFilter): boolean {
  if (owner !== undefined && session.owner !== owner) return false;
  if (template !== undefined && session.template !== template) return false;
  return state === undefined ? session.state !== 'ended' : session.state === state;
}
