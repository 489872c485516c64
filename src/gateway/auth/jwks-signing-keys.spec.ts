import { sign } from 'jsonwebtoken';

import { eventually } from '../../../test/support/eventually.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { JwksServer, keyPair, type PublishedPair } from '../../../test/support/gateway/jwks-server.js';
import { bearer } from '../../../test/support/gateway/tokens.js';
import { RecordingLogger } from '../../../test/support/recording-logger.js';
import { JwksSigningKeys } from './jwks-signing-keys.js';
import { PassportVerification } from './passport-verification.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const one = keyPair('one');
const two = keyPair('two');
const rsa = keyPair('rsa', 'RSA', { alg: 'RS256' });

let server: JwksServer;
let clock: FakeClock;
let logger: RecordingLogger;
let verification: PassportVerification;

beforeEach(async () => {
  server = new JwksServer([one, two, rsa]);
  clock = new FakeClock();
  logger = new RecordingLogger();
  const keys = new JwksSigningKeys(await server.listen(), clock, logger);
  verification = new PassportVerification(keys, { issuer: 'issuer', audience: 'berth' });
});

afterEach(() => server.close());

function tokenOf(pair: PublishedPair, algorithm: 'ES256' | 'RS256' | 'PS256' = 'ES256', kid?: string): string {
  const claims = { sub: 'ann', iss: 'issuer', aud: 'berth', exp: Math.floor(Date.now() / 1_000) + 3_600 };
  return sign(claims, pair.privateKey, { algorithm, keyid: kid ?? pair.kid });
}

/** `ann`, or why not. */
async function asked(token: string): Promise<unknown> {
  try {
    return ((await verification.verify(bearer(token))) as { sub: string }).sub;
  } catch (error) {
    return (error as { reason?: string }).reason ?? (error as { code: string }).code;
  }
}

function away(): void {
  server.answer = (response) => response.writeHead(503).end();
}

describe('published keys', () => {
  it('verify the tokens that name them, of either kind', async () => {
    await expect(asked(tokenOf(one))).resolves.toBe('ann');
    await expect(asked(tokenOf(two))).resolves.toBe('ann');
    await expect(asked(tokenOf(rsa, 'RS256'))).resolves.toBe('ann');
  });

  it('verify no token that names one of them and is signed by another', async () => {
    await expect(asked(tokenOf(one, 'ES256', 'two'))).resolves.toBe('wrong-signature');
  });

  it('verify only with the algorithm they are published for', async () => {
    await expect(asked(tokenOf(rsa, 'PS256'))).resolves.toBe('unknown-key');
  });

  it('are not guessed at when a token names none', async () => {
    const claims = { sub: 'ann', iss: 'issuer', aud: 'berth', exp: Math.floor(Date.now() / 1_000) + 3_600 };
    const token = sign(claims, one.privateKey, { algorithm: 'ES256' });
    await expect(asked(token)).resolves.toBe('unknown-key');
    server.keys = [one];
    await clock.advance(MINUTE);
    await expect(asked(token)).resolves.toBe('ann');
  });

  it('are fetched once for many tokens at the same time, and then remembered', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => asked(tokenOf(i % 2 ? one : two))));
    await clock.advance(9 * MINUTE);
    await asked(tokenOf(one));
    expect(server.requests).toBe(1);
  });

  it('are fetched anew after ten minutes, while the old ones serve', async () => {
    await asked(tokenOf(one));
    await clock.advance(11 * MINUTE);
    await expect(asked(tokenOf(one))).resolves.toBe('ann');
    await eventually(() => expect(server.requests).toBe(2));
  });

  it('are found when they are new, and make no more than one fetch in 30 s when they are made up', async () => {
    await asked(tokenOf(one));
    const fresh = keyPair('fresh');
    server.keys = [one, fresh];
    await clock.advance(30 * SECOND);
    await expect(asked(tokenOf(fresh))).resolves.toBe('ann');
    for (let i = 0; i < 50; i++)
      await expect(asked(tokenOf(one, 'ES256', `made-up-${i}`))).resolves.toBe('unknown-key');
    expect(server.requests).toBe(2);
  });

  /** jwks-rsa's own cache and rate limit: ten made-up key ids a minute kept a good key from being fetched again. */
  it('go on being known however many made-up key ids are asked for', async () => {
    for (let minute = 0; minute < 90; minute++) {
      for (let i = 0; i < 10; i++) await asked(tokenOf(one, 'ES256', `made-up-${minute}-${i}`));
      await clock.advance(MINUTE);
    }
    await expect(asked(tokenOf(one))).resolves.toBe('ann');
  });
});

describe('a publisher of keys that is away', () => {
  it('makes tokens neither good nor bad', async () => {
    away();
    await expect(asked(tokenOf(one))).resolves.toBe('DEPENDENCY_UNAVAILABLE');
  });

  it.each([
    ['answers with something else', '<html>'],
    ['answers without keys', '{"keys":[]}'],
  ])('is one that %s', async (_, body) => {
    server.answer = (response) => response.end(body);
    await expect(asked(tokenOf(one))).resolves.toBe('DEPENDENCY_UNAVAILABLE');
  });

  it('is one that stops in the middle of its answer', async () => {
    server.answer = (response) => response.write('{"keys":[');
    const answer = asked(tokenOf(one));
    await eventually(() => expect(server.requests).toBe(1));
    await clock.advance(5 * SECOND);
    await expect(answer).resolves.toBe('DEPENDENCY_UNAVAILABLE');
  });

  it('does not matter to keys that are known, for an hour', async () => {
    await asked(tokenOf(one));
    away();
    for (let minute = 0; minute < 59; minute++) {
      await clock.advance(MINUTE);
      await expect(asked(tokenOf(one))).resolves.toBe('ann');
    }
    await clock.advance(2 * MINUTE);
    await expect(asked(tokenOf(one))).resolves.toBe('DEPENDENCY_UNAVAILABLE');
  });

  it('may have published a key that is not known: 503 and not 401', async () => {
    await asked(tokenOf(one));
    away();
    await clock.advance(MINUTE);
    await expect(asked(tokenOf(keyPair('fresh')))).resolves.toBe('DEPENDENCY_UNAVAILABLE');
  });

  it('is asked once a second at most, and believed again when it answers', async () => {
    away();
    for (let i = 0; i < 10; i++) await asked(tokenOf(one));
    expect(server.requests).toBe(1);
    server.answer = (response) => server.publish(response);
    await clock.advance(SECOND);
    await expect(asked(tokenOf(one))).resolves.toBe('ann');
  });

  it('is logged when it goes and when it comes back, and not in between', async () => {
    away();
    for (let i = 0; i < 5; i++) {
      await asked(tokenOf(one));
      await clock.advance(SECOND);
    }
    server.answer = (response) => server.publish(response);
    await asked(tokenOf(one));
    expect(logger.lines.map(({ event }) => event)).toEqual(['auth.keys-away', 'auth.keys-back']);
  });
});
