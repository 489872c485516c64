import type { Caller } from '../../lifecycle/session.js';
import { TokenRefused } from './token-refused.js';

export const ADMIN_SCOPE = 'berth:admin';

/** Who a verified token speaks for, and until when. */
export interface Identity {
  caller: Caller;
  expiresAtMs: number;
}

const LONGEST_OWNER = 1_024;

/**
 * A token must say whose it is and when it ends: without `sub` there is no owner, and without `exp` a leaked token
 * would be good for ever. Both are asked of every token, whatever its issuer.
 */
export function identityOf(payload: unknown, nowMs: number): Identity {
  if (typeof payload !== 'object' || payload === null) throw new TokenRefused('malformed');
  const { iss, sub, exp, ...rest } = payload as Record<string, unknown>;
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw new TokenRefused('no-expiry');
  if (exp * 1_000 <= nowMs) throw new TokenRefused('expired');
  const owner = ownerOf(iss, sub);
  const scopes = Object.freeze(scopesOf(rest));
  const caller = Object.freeze({ owner, isAdmin: scopes.includes(ADMIN_SCOPE), scopes });
  return { caller, expiresAtMs: exp * 1_000 };
}

/** The owner stands in records, annotations and log lines: no control characters, and an end. */
function ownerOf(iss: unknown, sub: unknown): string {
  if (typeof sub !== 'string' || sub === '') throw new TokenRefused('no-subject');
  if (iss !== undefined && typeof iss !== 'string') throw new TokenRefused('malformed');
  const owner = iss ? `${iss}|${sub}` : sub;
  if (owner.length > LONGEST_OWNER || /\p{Cc}/u.test(owner)) throw new TokenRefused('no-subject');
  return owner;
}

/** RFC 8693 writes `scope` with spaces; others write `scp` or `scopes`, as text or as a list. */
function scopesOf({ scope, scp, scopes }: Record<string, unknown>): string[] {
  const named = [scope, scp, scopes].flatMap((claim) => (typeof claim === 'string' ? claim.split(' ') : claim));
  return [...new Set(named.filter((name): name is string => typeof name === 'string' && name !== ''))];
}
