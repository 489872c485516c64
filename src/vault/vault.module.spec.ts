import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Registry } from 'prom-client';

import { FakeClock } from '../../test/support/fake-clock.js';
import { FakeRandomness } from '../../test/support/fake-randomness.js';
import { SilentLogger } from '../../test/support/silent-logger.js';
import { loadSettings } from '../config/load-settings.js';
import { makeSecrets } from './vault.module.js';

const KUBERNETES = { RUNTIME: 'kubernetes', SESSION_POD_IMAGE: 'berth:1', REDIS_HOST: 'redis' };

describe('secrets where there is no Vault', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-secrets-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  async function made(environment: Record<string, string>) {
    const clock = new FakeClock(Date.now());
    const means = { clock, randomness: new FakeRandomness(), logger: new SilentLogger() };
    const registry = new Registry();
    return { clock, registry, secrets: await makeSecrets(loadSettings(environment), means, registry) };
  }

  it('are those of the environment, which stay as they are', async () => {
    const environment = { ...KUBERNETES, REDIS_PASSWORD: 'p', AUTH_TOKEN_SECRET: 's'.repeat(32) };
    const { secrets, clock } = await made(environment);
    expect(secrets.redisPassword.value).toBe('p');
    expect(secrets.accessKeys.value.tokenKeys).toEqual([{ secret: 's'.repeat(32) }]);
    expect([secrets.mayChange, clock.pendingTimers]).toEqual([false, 0]);
  });

  it('are those in files, read anew when they change', async () => {
    const REDIS_PASSWORD_PATH = file('password', 'first\n');
    const { secrets } = await made({ ...KUBERNETES, REDIS_PASSWORD_PATH });
    expect(secrets.redisPassword.value).toBe('first');
    const told: unknown[] = [];
    secrets.redisPassword.onChange((password) => told.push(password));
    file('password', 'second\n');
    await secrets.reload();
    expect(told).toEqual(['second']);
  });

  it('have no password where there is no Redis', async () => {
    const { secrets } = await made({ REDIS_PASSWORD_PATH: join(folder, 'no') });
    expect(secrets.redisPassword.value).toBeUndefined();
  });

  it('stop the start where a file holds none, by the name of its setting and not by its words', async () => {
    const AUTH_KEYS_PATH = file('keys', 'token.a: too-short-and-secret');
    const refused = made({ AUTH_KEYS_PATH });
    await expect(refused).rejects.toThrow(/AUTH_KEYS_PATH.*token\.a/);
    await expect(refused).rejects.not.toThrow('too-short-and-secret');
  });

  it('show in metrics by their names only', async () => {
    const sha256 = createHash('sha256').update('k').digest('hex');
    const AUTH_KEYS_PATH = file('keys', `api-key.ci: {sha256: ${sha256}, subject: ci-robot}`);
    const text = await (await made({ AUTH_KEYS_PATH })).registry.metrics();
    expect(text).toContain('session_secret_usable{secret="access-keys"} 1');
    expect(text).toMatch(/^session_vault_up NaN$/im);
    expect(text).not.toMatch(/ci-robot|[0-9a-f]{64}/);
  });
});
