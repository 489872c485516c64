import type { Caller, Opening } from '../../src/lifecycle/session.js';
import { parseSessionId, type SessionId } from '../../src/lifecycle/session-id.js';

export const sessionId = (text: string): SessionId => parseSessionId(text);

export function caller(owner: string, facts: Partial<Caller> = {}): Caller {
  return { owner, isAdmin: false, scopes: [], ...facts };
}

export const alice = caller('https://issuer.example|alice');
export const bob = caller('https://issuer.example|bob');
export const admin = caller('https://issuer.example|root', { isAdmin: true, scopes: ['berth:admin'] });

/** A plain request (`asked` empty) or a PUT (`asked` names what it wants). */
export function opening(asked: Opening['asked'] = {}, otherwise: Partial<Opening['otherwise']> = {}): Opening {
  return {
    asked,
    otherwise: { template: 'default', env: {}, idleTimeoutMs: 600_000, maxLifetimeMs: 0, ...otherwise },
  };
}
