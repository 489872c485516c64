import { createSecretKey, type KeyObject } from 'node:crypto';

import type { Algorithm } from 'jsonwebtoken';

/** What a token's header says of the key that signed it. Not believed, only looked up. */
export interface TokenHeader {
  alg: string;
  kid?: string;
}

/** The keys that tokens may be signed with, and the only algorithms that go with them: never both families at once. */
export abstract class SigningKeys {
  abstract readonly algorithms: readonly Algorithm[];
  /** Throws TokenRefused where no key fits, LifecycleError DEPENDENCY_UNAVAILABLE where that cannot be known. */
  abstract keyFor(header: TokenHeader): KeyObject | Promise<KeyObject>;
}

/** AUTH_TOKEN_SECRET. */
export class SecretSigningKey extends SigningKeys {
  readonly algorithms = ['HS256'] as const;
  private readonly key: KeyObject;

  constructor(secret: string) {
    super();
    this.key = createSecretKey(Buffer.from(secret, 'utf8'));
  }

  keyFor(): KeyObject {
    return this.key;
  }
}
