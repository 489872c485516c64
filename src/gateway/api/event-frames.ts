import type { Caller } from '../../lifecycle/session.js';
import type { SessionEvent } from '../../lifecycle/sessions.js';
import { type Clock, pause } from '../../platform/clock.js';
import { sessionJson } from './session-json.js';

/** Proxies and browsers drop a connection that is silent for a minute or so. */
export const HEARTBEAT_MS = 15_000;

const HEARTBEAT = ': nothing new\n\n';

/** Server-sent events of a session; a comment where nothing happened for a while. Ends when the events do. */
export async function* eventFrames(
  events: AsyncIterable<SessionEvent>,
  caller: Caller,
  clock: Clock,
): AsyncGenerator<string> {
  const iterator = events[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const first = await firstOf(next, clock);
      if (first === 'silence') {
        yield HEARTBEAT;
        continue;
      }
      if (first.done) return;
      yield frameOf(first.value, caller);
      next = iterator.next();
    }
  } finally {
    // Not waited for: an iterator that still waits for its next event would answer only after that.
    next.catch(() => undefined);
    iterator.return?.().catch(() => undefined);
  }
}

function firstOf<T>(next: Promise<T>, clock: Clock): Promise<T | 'silence'> {
  const over = new AbortController();
  const silence = pause(clock, HEARTBEAT_MS, over.signal).then(() => 'silence' as const);
  return Promise.race([next, silence]).finally(() => over.abort());
}

function frameOf({ event, session }: SessionEvent, caller: Caller): string {
  return `event: ${event}\ndata: ${JSON.stringify(sessionJson(session, caller))}\n\n`;
}
