import { verify } from 'jsonwebtoken';

import { bearer } from '../../../test/support/gateway/tokens.js';
import { identityOf } from './claims.js';
import { firstCurl, makeDevSigningKey } from './dev-signing-key.js';
import { PassportVerification } from './passport-verification.js';
import { SecretSigningKey } from './signing-keys.js';

const nowMs = Date.now();

describe('the key for development', () => {
  it('signs a token for dev that its own key verifies, good for twelve hours and for nothing special', async () => {
    const { secret, token } = makeDevSigningKey(nowMs);
    expect(verify(token, secret, { algorithms: ['HS256'] })).toMatchObject({ sub: 'dev', scope: '' });
    const payload = await new PassportVerification(new SecretSigningKey(secret), {}).verify(bearer(token));
    const { caller, expiresAtMs } = identityOf(payload, nowMs);
    expect(caller).toEqual({ owner: 'dev', isAdmin: false, scopes: [] });
    expect(Math.abs(expiresAtMs - nowMs - 12 * 3_600_000)).toBeLessThan(1_000);
  });

  it('is another each time and long enough', () => {
    const secrets = [makeDevSigningKey(nowMs).secret, makeDevSigningKey(nowMs).secret];
    expect(new Set(secrets).size).toBe(2);
    expect(Buffer.from(secrets[0] ?? '', 'base64url')).toHaveLength(32);
  });

  it('comes with a request that can be pasted', () => {
    expect(firstCurl(8080, 'T')).toBe(
      `curl -s http://127.0.0.1:8080/api/v1/session/demo/execute -H "Authorization: Bearer T" -H 'Content-Type: application/json' -d '{"data":{"hello":"world"}}'`,
    );
  });
});
