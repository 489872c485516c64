import { sessionId } from './openings.js';
import type { Session } from '../../src/lifecycle/session.js';

/** A record as the store might hold it; a case states only what differs. */
export function session(facts: Partial<Session> = {}): Session {
  return {
    id: sessionId('s'),
    owner: 'alice',
    state: 'ready',
    generation: 1,
    opening: 1,
    version: 1,
    template: 'default',
    env: {},
    idleTimeoutMs: 600_000,
    maxLifetimeMs: 0,
    openedAtMs: 0,
    lastUsedAtMs: 0,
    requests: 0,
    heals: 0,
    crashes: 0,
    failures: 0,
    ...facts,
  };
}
