import { hash } from 'node:crypto';

import type { Caller } from '../../lifecycle/session.js';
import type { Logger } from '../../platform/logger.js';
import type { ApiKey } from '../../vault/access-keys.js';
import { GatewayError } from '../problem.js';
import { Authenticator, type Credentials } from './authenticator.js';
import { bearerTokenOf } from './bearer-token.js';
import { ADMIN_SCOPE } from './claims.js';

export const API_KEY_HEADER = 'x-api-key';

/** A key is made by a machine; what a person could think of is not even looked up. */
const SHORTEST_KEY = 32;
const LONGEST_KEY = 512;

/**
 * `X-API-Key` beside tokens. Only digests of keys are held, and they are looked up by digest: what an answer takes says
 * nothing of a key. A request that brings a token is judged by its token alone.
 */
export class ApiKeyAuthenticator extends Authenticator {
  private callers: ReadonlyMap<string, Caller> = new Map();

  constructor(
    private readonly tokens: Authenticator,
    private readonly logger: Logger,
  ) {
    super();
  }

  use(keys: ReadonlyMap<string, ApiKey>): void {
    this.callers = new Map([...keys].map(([digest, key]) => [digest, callerOf(key)]));
  }

  authenticate(request: Credentials): Caller | Promise<Caller> {
    const given = request.headers[API_KEY_HEADER];
    if (given === undefined || bearerTokenOf(request) !== undefined) return this.tokens.authenticate(request);
    const caller = this.find(given);
    if (caller) return caller;
    this.logger.debug({ event: 'auth.refused', reason: 'unknown-api-key' }, 'An API key was refused.');
    throw new GatewayError('UNAUTHENTICATED', 'The API key is not valid, or not valid any more.');
  }

  private find(given: string | string[]): Caller | undefined {
    if (typeof given !== 'string' || given.length < SHORTEST_KEY || given.length > LONGEST_KEY) return undefined;
    return this.callers.get(hash('sha256', given, 'hex'));
  }
}

function callerOf({ subject, scopes }: ApiKey): Caller {
  return Object.freeze({ owner: subject, isAdmin: scopes.includes(ADMIN_SCOPE), scopes: Object.freeze([...scopes]) });
}
