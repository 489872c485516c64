import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

import type { Algorithm } from 'jsonwebtoken';

import type { TokenKey } from '../../vault/access-keys.js';
import { TokenRefused } from './token-refused.js';

/** What a token's header says of the key that signed it. Not believed, only looked up. */
export interface TokenHeader {
  alg: string;
  kid?: string;
}

/** The keys that tokens may be signed with, and the only algorithms that go with them: never both families at once. */
export abstract class SigningKeys {
  abstract readonly algorithms: readonly Algorithm[];
  /** Throws TokenRefused where no key fits, LifecycleError DEPENDENCY_UNAVAILABLE where that cannot be known. */
  abstract keyFor(header: TokenHeader, token: string): KeyObject | Promise<KeyObject>;
}

/** One key, whatever a token says of it. */
export class SecretSigningKey extends SigningKeys {
  readonly algorithms = ['HS256'] as const;
  private readonly key: KeyObject;

  constructor(secret: string) {
    super();
    this.key = keyObject(secret);
  }

  keyFor(): KeyObject {
    return this.key;
  }
}

/**
 * Keys that come and go while we run. A token names its key by `kid`; one that names none, or none of ours, is for the key
 * without a name (AUTH_TOKEN_SECRET), if there is one. One that names none, where all keys have names, is for that which
 * has signed it: who never wrote `kid` can change keys, too.
 */
export class HeldSigningKeys extends SigningKeys {
  readonly algorithms = ['HS256'] as const;
  private byKid = new Map<string, KeyObject>();
  private unnamed?: KeyObject;

  constructor(keys: readonly TokenKey[]) {
    super();
    this.use(keys);
  }

  use(keys: readonly TokenKey[]): void {
    const all = keys.map(({ kid, secret }) => ({ kid, key: keyObject(secret) }));
    this.byKid = new Map(all.flatMap(({ kid, key }) => (kid === undefined ? [] : [[kid, key]])));
    this.unnamed = all.find(({ kid }) => kid === undefined)?.key;
  }

  keyFor({ kid }: TokenHeader, token: string): KeyObject {
    const named = kid === undefined ? undefined : this.byKid.get(kid);
    const key = named ?? this.unnamed ?? (kid === undefined ? this.signerOf(token) : undefined);
    if (!key) throw new TokenRefused('unknown-key');
    return key;
  }

  private signerOf(token: string): KeyObject | undefined {
    const end = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(end + 1), 'base64url');
    return [...this.byKid.values()].find((key) => {
      const own = createHmac('sha256', key).update(token.slice(0, end)).digest();
      return own.length === signature.length && timingSafeEqual(own, signature);
    });
  }
}

function keyObject(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret, 'utf8'));
}
