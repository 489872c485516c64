import { sign } from 'jsonwebtoken';

import { HeldSigningKeys, type TokenHeader } from './signing-keys.js';

const OLD = { kid: 'old', secret: 'the-old-key-of-thirty-two-bytes-or-more' };
const NEXT = { kid: 'next', secret: 'the-next-key-of-thirty-two-bytes-or-more' };
const UNNAMED = { secret: 'a-key-without-a-name-of-thirty-two-bytes' };

function found(keys: HeldSigningKeys, kid?: string, signer = OLD): string {
  const header: TokenHeader = { alg: 'HS256', kid };
  try {
    return keys.keyFor(header, sign({}, signer.secret)).export().toString();
  } catch (error) {
    return (error as { reason: string }).reason;
  }
}

describe('keys that come and go', () => {
  it('are found by their kid, both while there are two', () => {
    const keys = new HeldSigningKeys([OLD, NEXT]);
    expect([found(keys, 'old'), found(keys, 'next')]).toEqual([OLD.secret, NEXT.secret]);
  });

  it('are unknown once they are gone', () => {
    const keys = new HeldSigningKeys([OLD, NEXT]);
    keys.use([NEXT]);
    expect(found(keys, 'old')).toBe('unknown-key');
    expect(found(keys, 'next')).toBe(NEXT.secret);
    keys.use([]);
    expect(found(keys, 'next')).toBe('unknown-key');
  });

  it('are found by what they have signed where a token names none', () => {
    const keys = new HeldSigningKeys([OLD]);
    expect(found(keys)).toBe(OLD.secret);
    keys.use([OLD, NEXT]);
    expect([found(keys), found(keys, undefined, NEXT)]).toEqual([OLD.secret, NEXT.secret]);
    keys.use([NEXT]);
    expect(found(keys)).toBe('unknown-key');
    keys.use([]);
    expect(found(keys)).toBe('unknown-key');
  });

  it('leave what names none of them to the key without a name', () => {
    const keys = new HeldSigningKeys([OLD, UNNAMED]);
    expect([found(keys), found(keys, 'x'), found(keys, 'old')]).toEqual([UNNAMED.secret, UNNAMED.secret, OLD.secret]);
  });
});
