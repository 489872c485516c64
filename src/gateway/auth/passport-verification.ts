import type { KeyObject } from 'node:crypto';

import { type SecretOrKeyProvider, Strategy } from 'passport-jwt';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { Credentials } from './authenticator.js';
import { bearerTokenOf } from './bearer-token.js';
import type { SigningKeys, TokenHeader } from './signing-keys.js';
import { type RefusedReason, TokenRefused } from './token-refused.js';

export interface Expected {
  issuer?: string;
  audience?: string;
}

/**
 * passport-jwt without passport: the strategy is run on a request and its three ways out become a promise. This is
 * the only file that knows passport-jwt, and where the errors of the libraries become ours. Their texts go no
 * further: some quote the token.
 */
export class PassportVerification {
  private readonly strategy: Strategy;

  constructor(
    private readonly keys: SigningKeys,
    { issuer, audience }: Expected,
  ) {
    const options = {
      jwtFromRequest: (request: Credentials) => bearerTokenOf(request) ?? null,
      secretOrKeyProvider: this.provideKey,
      algorithms: [...keys.algorithms],
      issuer,
      audience,
    };
    this.strategy = new Strategy(options, (payload, done) => done(null, { payload: payload as unknown }));
  }

  /** The payload of a token that is signed, current and meant for us. Throws TokenRefused or LifecycleError. */
  verify(request: Credentials): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const attempt = Object.create(this.strategy) as Strategy;
      attempt.success = (verified: { payload: unknown }) => resolve(verified.payload);
      attempt.fail = (challenge: unknown) => reject(refusalOf(challenge));
      attempt.error = (error) => reject(refusalOf(error));
      attempt.authenticate(request as Parameters<Strategy['authenticate']>[0]);
    });
  }

  private readonly provideKey: SecretOrKeyProvider = (_request, token: string, done): void => {
    // The types say text or bytes; a key object is what the library makes of them, and cannot be taken for another kind.
    const use = (key: KeyObject): void => done(null, key as unknown as Buffer);
    this.keyOf(token).then(use).catch(done);
  };

  private async keyOf(token: string): Promise<KeyObject> {
    const header = headerOf(token);
    if (!(this.keys.algorithms as readonly string[]).includes(header.alg)) throw new TokenRefused('wrong-algorithm');
    return this.keys.keyFor(header, token);
  }
}

function headerOf(token: string): TokenHeader {
  const { alg, kid, crit } = parsed(token.slice(0, token.indexOf('.')));
  // RFC 7515 4.1.11: who does not understand an extension that is called critical must not accept the token.
  if (crit !== undefined) throw new TokenRefused('critical-extension');
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) throw new TokenRefused('malformed');
  return { alg, kid };
}

function parsed(segment: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
    if (typeof header === 'object' && header !== null) return header as Record<string, unknown>;
  } catch {
    // What it holds instead is of no interest, and must not get into a log.
  }
  throw new TokenRefused('malformed');
}

const REASONS: readonly (readonly [RegExp, RefusedReason])[] = [
  [/^jwt expired$/, 'expired'],
  [/^jwt not active$/, 'not-yet-valid'],
  [/^(invalid signature|jwt signature is required)$/, 'wrong-signature'],
  [/^invalid algorithm$/, 'wrong-algorithm'],
  [/^jwt audience invalid/, 'wrong-audience'],
  [/^jwt issuer invalid/, 'wrong-issuer'],
];

function refusalOf(challenge: unknown): Error {
  if (challenge instanceof TokenRefused || challenge instanceof LifecycleError) return challenge;
  const text = challenge instanceof Error ? challenge.message : '';
  return new TokenRefused(REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? 'malformed');
}
