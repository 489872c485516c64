import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';

import { Registry } from 'prom-client';

import { FakeClock } from '../../../test/support/fake-clock.js';
import { FakeRandomness } from '../../../test/support/fake-randomness.js';
import { JwksServer, keyPair } from '../../../test/support/gateway/jwks-server.js';
import { bearer, SECRET, tokenFor } from '../../../test/support/gateway/tokens.js';
import { ConfigModule } from '../../config/config.module.js';
import { loadSettings } from '../../config/load-settings.js';
import { Clock } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { Randomness } from '../../platform/randomness.js';
import { VaultModule } from '../../vault/vault.module.js';
import { SilentLogger } from '../../../test/support/silent-logger.js';
import { RateLimiter } from '../rate-limiter.js';
import { AuthModule, DEV_SIGNING_KEY } from './auth.module.js';
import { Authenticator, type Credentials } from './authenticator.js';
import type { DevSigningKey } from './dev-signing-key.js';

@Global()
@Module({
  providers: [
    { provide: Clock, useFactory: () => new FakeClock(Date.now()) },
    { provide: Randomness, useClass: FakeRandomness },
    { provide: Logger, useClass: SilentLogger },
    { provide: Registry, useClass: Registry },
  ],
  exports: [Clock, Randomness, Logger, Registry],
})
class PlatformOfTheTest {}

async function withSettings(environment: Record<string, string>) {
  const imports = [ConfigModule.with(loadSettings(environment)), PlatformOfTheTest, VaultModule, AuthModule];
  const app = await Test.createTestingModule({ imports }).compile();
  const authenticator = app.get(Authenticator);
  const ownerOr = async (request: Credentials): Promise<string> => {
    try {
      return (await authenticator.authenticate(request)).owner;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  return {
    limiter: app.get(RateLimiter),
    dev: app.get<DevSigningKey | undefined>(DEV_SIGNING_KEY),
    owner: (token: string) => ownerOr(bearer(token)),
    ownerOfKey: (key: string) => ownerOr({ headers: { 'x-api-key': key } }),
  };
}

describe('what the settings make of tokens', () => {
  it('AUTH_TOKEN_SECRET: those it signed', async () => {
    const { owner, dev } = await withSettings({ AUTH_TOKEN_SECRET: SECRET });
    await expect(owner(tokenFor('ann'))).resolves.toBe('ann');
    await expect(owner(tokenFor('ann', {}, { key: `${SECRET}x` }))).resolves.toBe('UNAUTHENTICATED');
    expect(dev).toBeUndefined();
  });

  it('AUTH_ISSUER and AUTH_AUDIENCE beside it: those that name both', async () => {
    const { owner } = await withSettings({ AUTH_TOKEN_SECRET: SECRET, AUTH_ISSUER: 'i', AUTH_AUDIENCE: 'berth' });
    await expect(owner(tokenFor('ann', { iss: 'i', aud: 'berth' }))).resolves.toBe('i|ann');
    await expect(owner(tokenFor('ann'))).resolves.toBe('UNAUTHENTICATED');
  });

  it('AUTH_JWKS_URL: those that a published key signed, and none that a secret signed', async () => {
    const key = keyPair('one');
    const server = new JwksServer([key]);
    const AUTH_JWKS_URL = await server.listen();
    const { owner, dev } = await withSettings({ AUTH_JWKS_URL, AUTH_ISSUER: 'i', AUTH_AUDIENCE: 'berth' });
    const claims = { iss: 'i', aud: 'berth' };
    const signed = tokenFor('ann', claims, {
      key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      algorithm: 'ES256',
      keyid: 'one',
    });
    await expect(owner(signed)).resolves.toBe('i|ann');
    await expect(owner(tokenFor('ann', claims))).resolves.toBe('UNAUTHENTICATED');
    expect(dev).toBeUndefined();
    await server.close();
  });

  it('nothing: those of a key made for this run', async () => {
    const { owner, dev } = await withSettings({});
    await expect(owner(dev?.token ?? '')).resolves.toBe('dev');
    await expect(owner(tokenFor('ann'))).resolves.toBe('UNAUTHENTICATED');
  });

  it('AUTH_KEYS_PATH: those of its keys by kid, those of AUTH_TOKEN_SECRET beside them, and API keys', async () => {
    const own = 'a-key-in-a-file-of-thirty-two-bytes-or-more';
    const apiKey = 'an-api-key-that-a-machine-has-made-1234';
    const sha256 = createHash('sha256').update(apiKey).digest('hex');
    const folder = mkdtempSync(join(tmpdir(), 'berth-keys-'));
    const AUTH_KEYS_PATH = join(folder, 'keys.yaml');
    writeFileSync(AUTH_KEYS_PATH, `token.file: ${own}\napi-key.ci: {sha256: "${sha256}", subject: ci}\n`);
    const { owner, ownerOfKey, dev } = await withSettings({ AUTH_KEYS_PATH, AUTH_TOKEN_SECRET: SECRET });
    rmSync(folder, { recursive: true });
    await expect(owner(tokenFor('ann', {}, { key: own, keyid: 'file' }))).resolves.toBe('ann');
    await expect(owner(tokenFor('ann'))).resolves.toBe('ann');
    await expect(owner(tokenFor('ann', {}, { key: own, keyid: 'other' }))).resolves.toBe('UNAUTHENTICATED');
    await expect(ownerOfKey(apiKey)).resolves.toBe('ci');
    expect(dev).toBeUndefined();
  });

  it('RATE_LIMIT_PER_OWNER: how many requests a second pass', async () => {
    const { limiter } = await withSettings({ RATE_LIMIT_PER_OWNER: '1' });
    limiter.pass('ann');
    expect(() => limiter.pass('ann')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }) as Error);
  });
});
