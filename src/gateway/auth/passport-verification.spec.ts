import { generateKeyPairSync, type KeyObject } from 'node:crypto';

import { sign } from 'jsonwebtoken';

import { bearer, forgedToken, SECRET, tokenFor } from '../../../test/support/gateway/tokens.js';
import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import { PassportVerification } from './passport-verification.js';
import { SecretSigningKey, SigningKeys } from './signing-keys.js';

const HOUR = 3_600;
const nowSeconds = Math.floor(Date.now() / 1_000);
const good = { sub: 'ann', exp: nowSeconds + HOUR };
const keys = generateKeyPairSync('rsa', { modulusLength: 2_048 });

class OnePublicKey extends SigningKeys {
  readonly algorithms = ['RS256', 'ES256'] as const;

  constructor(private readonly answer: () => KeyObject) {
    super();
  }

  keyFor(): Promise<KeyObject> {
    return Promise.resolve().then(this.answer);
  }
}

function withSecret(expected = {}): PassportVerification {
  return new PassportVerification(new SecretSigningKey(SECRET), expected);
}

function withPublicKey(expected = {}): PassportVerification {
  return new PassportVerification(new OnePublicKey(() => keys.publicKey), expected);
}

function refusal(verification: PassportVerification, token: string): Promise<unknown> {
  return verification.verify(bearer(token)).then(
    () => 'accepted',
    (error: { reason?: string }) => error.reason ?? error,
  );
}

describe('a token signed with the secret', () => {
  it('is verified and gives its payload', async () => {
    await expect(withSecret().verify(bearer(tokenFor('ann', { scope: 'x' })))).resolves.toMatchObject({
      sub: 'ann',
      scope: 'x',
    });
  });

  it('is verified on a WebSocket as a subprotocol', async () => {
    const headers = { upgrade: 'websocket', 'sec-websocket-protocol': `berth.bearer.${tokenFor('ann')}` };
    await expect(withSecret().verify({ headers })).resolves.toMatchObject({ sub: 'ann' });
  });

  it('is verified when issuer and audience are the expected ones', async () => {
    const token = tokenFor('ann', { iss: 'i', aud: ['other', 'berth'] });
    await expect(withSecret({ issuer: 'i', audience: 'berth' }).verify(bearer(token))).resolves.toBeDefined();
  });

  it.each([
    ['with another secret', tokenFor('ann', {}, { key: `${SECRET}x` }), 'wrong-signature'],
    ['that is over', tokenFor('ann', { exp: nowSeconds - 1 }), 'expired'],
    ['that is not valid yet', tokenFor('ann', { nbf: nowSeconds + HOUR }), 'not-yet-valid'],
    ['with another algorithm of the family', tokenFor('ann', {}, { algorithm: 'HS512' }), 'wrong-algorithm'],
    ['without signature, alg none', forgedToken({ alg: 'none', typ: 'JWT' }, good), 'wrong-algorithm'],
    ['without signature, alg nOnE', forgedToken({ alg: 'nOnE' }, good), 'wrong-algorithm'],
    ['without signature, alg HS256', forgedToken({ alg: 'HS256' }, good), 'wrong-signature'],
    ['with the private key of somebody', sign(good, keys.privateKey, { algorithm: 'RS256' }), 'wrong-algorithm'],
    ['with a critical extension', tokenFor('ann', {}, { header: { alg: 'HS256', crit: ['x'] } }), 'critical-extension'],
    ['with no algorithm', forgedToken({ typ: 'JWT' }, good, 'x'), 'malformed'],
    ['with a key id that is no text', forgedToken({ alg: 'HS256', kid: 7 }, good, 'x'), 'malformed'],
    ['that is no token', 'abc', 'malformed'],
    ['that is two dots', '..', 'malformed'],
    ['whose header is null', 'bnVsbA.e30.x', 'malformed'],
    ['with a part too many', `${tokenFor('ann')}.x`, 'malformed'],
  ])('is refused %s', async (_, token, reason) => {
    await expect(refusal(withSecret(), token)).resolves.toBe(reason);
  });

  it('is refused when a byte of its payload was changed', async () => {
    const [header, , signature] = tokenFor('ann').split('.');
    const payload = Buffer.from(JSON.stringify({ ...good, sub: 'bob' })).toString('base64url');
    await expect(refusal(withSecret(), `${header}.${payload}.${signature}`)).resolves.toBe('wrong-signature');
  });

  it.each([
    ['another issuer', { iss: 'j', aud: 'berth' }, 'wrong-issuer'],
    ['no issuer', { aud: 'berth' }, 'wrong-issuer'],
    ['another audience', { iss: 'i', aud: 'berth2' }, 'wrong-audience'],
    ['no audience', { iss: 'i' }, 'wrong-audience'],
  ])('is refused with %s', async (_, claims, reason) => {
    const verification = withSecret({ issuer: 'i', audience: 'berth' });
    await expect(refusal(verification, tokenFor('ann', claims))).resolves.toBe(reason);
  });
});

describe('a token signed with a published key', () => {
  it('is verified', async () => {
    const token = sign(good, keys.privateKey, { algorithm: 'RS256' });
    await expect(withPublicKey().verify(bearer(token))).resolves.toMatchObject({ sub: 'ann' });
  });

  it('is refused when it was signed with the public key taken for a secret', async () => {
    const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    await expect(refusal(withPublicKey(), tokenFor('ann', {}, { key: pem }))).resolves.toBe('wrong-algorithm');
  });

  it('is refused when its algorithm does not fit the key', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const token = sign(good, ec.privateKey, { algorithm: 'ES256' });
    await expect(refusal(withPublicKey(), token)).resolves.toMatch(/malformed|wrong-/);
  });

  it('is neither accepted nor refused while the key cannot be had', async () => {
    const away = new LifecycleError('DEPENDENCY_UNAVAILABLE', 'away');
    const verification = new PassportVerification(
      new OnePublicKey(() => {
        throw away;
      }),
      {},
    );
    const token = sign(good, keys.privateKey, { algorithm: 'RS256' });
    await expect(refusal(verification, token)).resolves.toBe(away);
  });
});

it('a payload that is null is refused and does not end the process', async () => {
  const token = sign('null', SECRET, { algorithm: 'HS256', header: { alg: 'HS256', typ: 'JWT' } });
  await expect(refusal(withSecret(), token)).resolves.toBe('malformed');
});
