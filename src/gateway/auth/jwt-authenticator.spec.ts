import { FakeClock } from '../../../test/support/fake-clock.js';
import { RecordingLogger } from '../../../test/support/recording-logger.js';
import { bearer, SECRET, tokenFor } from '../../../test/support/gateway/tokens.js';
import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { Credentials } from './authenticator.js';
import { JwtAuthenticator } from './jwt-authenticator.js';
import { PassportVerification } from './passport-verification.js';
import { SecretSigningKey } from './signing-keys.js';

function setUp() {
  const clock = new FakeClock(Date.now());
  const logger = new RecordingLogger();
  const passport = new PassportVerification(new SecretSigningKey(SECRET), {});
  const verification = { verified: 0, verify: (request: Credentials) => passport.verify(request) };
  const counted = {
    verify: (request: Credentials) => {
      verification.verified++;
      return verification.verify(request);
    },
  };
  return { clock, logger, verification, authenticator: new JwtAuthenticator(counted, clock, logger) };
}

async function refusal(authenticator: JwtAuthenticator, request: Credentials): Promise<unknown> {
  try {
    return await authenticator.authenticate(request);
  } catch (error) {
    return error;
  }
}

describe('the authenticator', () => {
  it('tells who asks', async () => {
    const { authenticator } = setUp();
    const token = tokenFor('ann', { iss: 'i', scope: 'berth:admin x' });
    await expect(authenticator.authenticate(bearer(token))).resolves.toEqual({
      owner: 'i|ann',
      isAdmin: true,
      scopes: ['berth:admin', 'x'],
    });
  });

  it('answers at once for a token that it knows', async () => {
    const { authenticator, verification } = setUp();
    const request = bearer(tokenFor('ann'));
    const first = await authenticator.authenticate(request);
    expect(authenticator.authenticate(request)).toBe(first);
    expect(verification.verified).toBe(1);
  });

  it('does not take a remembered token for longer than it is valid', async () => {
    const { authenticator, clock } = setUp();
    const request = bearer(tokenFor('ann', { exp: Math.floor(clock.nowMs() / 1_000) + 60 }));
    await authenticator.authenticate(request);
    await clock.advance(60_000);
    await expect(refusal(authenticator, request)).resolves.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('forgets what it verified when the keys are others, also what was under way', async () => {
    const { authenticator, verification } = setUp();
    const request = bearer(tokenFor('ann'));
    const underWay = authenticator.authenticate(request);
    authenticator.forget();
    await underWay;
    await authenticator.authenticate(request);
    authenticator.forget();
    await authenticator.authenticate(request);
    expect(verification.verified).toBe(3);
  });

  it('remembers no token that it refused', async () => {
    const { authenticator, verification } = setUp();
    const request = bearer(tokenFor('ann', {}, { key: 'another-secret-of-more-than-32-bytes!' }));
    await refusal(authenticator, request);
    await expect(refusal(authenticator, request)).resolves.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(verification.verified).toBe(2);
  });

  it.each([
    ['no token', { headers: {} }, 'missing'],
    ['a token of 17 KiB', bearer('a'.repeat(17 * 1_024)), 'too-long'],
    ['a token without expiry', bearer(tokenFor('ann', { exp: undefined })), 'no-expiry'],
    ['a token without subject', bearer(tokenFor(undefined)), 'no-subject'],
    ['nonsense', bearer('nonsense'), 'malformed'],
  ])('refuses %s and logs why', async (_, request, reason) => {
    const { authenticator, logger } = setUp();
    await expect(refusal(authenticator, request)).resolves.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(logger.of('auth.refused')).toEqual([expect.objectContaining({ reason })]);
  });

  it('does not even look at a token that is too long', async () => {
    const { authenticator, verification } = setUp();
    await refusal(authenticator, bearer('a'.repeat(17 * 1_024)));
    expect(verification.verified).toBe(0);
  });

  it('passes on that the keys cannot be had', async () => {
    const { authenticator, verification } = setUp();
    const away = new LifecycleError('DEPENDENCY_UNAVAILABLE', 'away');
    verification.verify = () => Promise.reject(away);
    await expect(refusal(authenticator, bearer(tokenFor('ann')))).resolves.toBe(away);
  });

  it('writes no part of a token, not even of a broken one, into the log or the answer', async () => {
    const { authenticator, logger } = setUp();
    const secretHeader = Buffer.from('{"alg":"HS256","password":"hunter2"').toString('base64url');
    const error = await refusal(authenticator, bearer(`${secretHeader}.e30.x`));
    expect(logger.text).not.toMatch(/hunter2|password/);
    expect(String(error)).not.toMatch(/hunter2|password/);
  });
});
