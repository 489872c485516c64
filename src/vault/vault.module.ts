import { readFileSync } from 'node:fs';

import { Global, Module } from '@nestjs/common';
import { Registry } from 'prom-client';

import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.schema.js';
import { StartFault } from '../config/start-fault.js';
import { Clock } from '../platform/clock.js';
import { Logger } from '../platform/logger.js';
import { Randomness } from '../platform/randomness.js';
import { type AccessKeys, accessKeysOf } from './access-keys.js';
import { fromFiles, fromPki } from './certificate-sources.js';
import { type Fields, HeldSecret, type SecretSource } from './held-secret.js';
import { kubernetesLogin, tokenLogin } from './login.js';
import { fromEnvironment, fromFile, fromVault, yamlFields } from './secret-sources.js';
import { Secrets } from './secrets.js';
import { type CertificateSource, ServerCertificate } from './server-certificate.js';
import { type AccessMeans, VaultAccess } from './vault-access.js';
import { registerVaultMetrics } from './vault.metrics.js';

const SECOND = 1_000;
/** The word for what does not come from Vault although there is one. */
const NONE = 'none';

/** The one place where is chosen what secrets come from. A start waits here for a Vault that is away. */
export async function makeSecrets(settings: Settings, means: AccessMeans, registry: Registry): Promise<Secrets> {
  const vault = settings.VAULT_ADDR === undefined ? undefined : await makeAccess(settings.VAULT_ADDR, settings, means);
  const { logger } = means;
  const redis = redisSource(settings, vault);
  const keys = keysSource(settings, vault);
  const certificate = certificateSource(settings, vault);
  const secrets = new Secrets(
    {
      redisPassword: new HeldSecret({ name: 'redis-password', source: redis.source, parse: redis.parse, logger }),
      accessKeys: new HeldSecret({ name: 'access-keys', source: keys.source, parse: keys.parse, logger }),
      certificate: certificate && new ServerCertificate(certificate, means),
      vault,
      refreshEveryMs: redis.mayChange || keys.mayChange ? settings.VAULT_REFRESH_SECONDS * SECOND : Infinity,
    },
    means,
  );
  registerVaultMetrics(registry, secrets);
  if (vault) await secrets.open();
  else await secrets.openNow().catch((error: Error) => refuse(secrets, error));
  return secrets;
}

interface Sourced<T> {
  source: SecretSource;
  parse: (fields: Fields) => T;
  mayChange: boolean;
}

function redisSource(settings: Settings, vault: VaultAccess | undefined): Sourced<string | undefined> {
  const { STORE, REDIS_PASSWORD: password, REDIS_PASSWORD_PATH: file, VAULT_REDIS_PASSWORD_PATH: path } = settings;
  const needed = (fields: Fields): string => passwordOf(fields);
  if (STORE === 'redis' && vault && path !== NONE)
    return { source: fromVault(vault, path), parse: needed, mayChange: true };
  if (STORE === 'redis' && file !== undefined)
    return {
      source: fromFile('REDIS_PASSWORD_PATH', file, (text) => ({ password: text.trim() })),
      parse: needed,
      mayChange: true,
    };
  return { source: fromEnvironment('REDIS_PASSWORD', { password }), parse: () => password, mayChange: false };
}

function passwordOf({ password }: Fields): string {
  if (typeof password !== 'string' || password === '') throw new Error('the field password is missing');
  return password;
}

function keysSource(settings: Settings, vault: VaultAccess | undefined): Sourced<AccessKeys> {
  const { AUTH_TOKEN_SECRET: secret, AUTH_KEYS_PATH: file, VAULT_API_KEYS_PATH: path } = settings;
  const own = secret === undefined ? [] : [{ secret }];
  const parse = (fields: Fields): AccessKeys => {
    const { tokenKeys, apiKeys } = accessKeysOf(fields);
    return { tokenKeys: [...tokenKeys, ...own], apiKeys };
  };
  if (vault && path !== NONE) return { source: fromVault(vault, path), parse, mayChange: true };
  if (file !== undefined) return { source: fromFile('AUTH_KEYS_PATH', file, yamlFields), parse, mayChange: true };
  return { source: fromEnvironment('AUTH_TOKEN_SECRET', {}), parse, mayChange: false };
}

function certificateSource(settings: Settings, vault: VaultAccess | undefined): CertificateSource | undefined {
  const { TLS_CERT_PATH, TLS_KEY_PATH, VAULT_PKI_ROLE, VAULT_PKI_COMMON_NAME } = settings;
  if (TLS_CERT_PATH !== undefined && TLS_KEY_PATH !== undefined) return fromFiles(TLS_CERT_PATH, TLS_KEY_PATH);
  if (!vault || VAULT_PKI_ROLE === undefined || VAULT_PKI_COMMON_NAME === undefined) return undefined;
  return fromPki(vault, {
    path: settings.VAULT_PKI_PATH,
    role: VAULT_PKI_ROLE,
    commonName: VAULT_PKI_COMMON_NAME,
    altNames: settings.VAULT_PKI_ALT_NAMES,
    ttlSeconds: settings.VAULT_PKI_TTL_SECONDS,
  });
}

async function makeAccess(url: string, settings: Settings, means: AccessMeans): Promise<VaultAccess> {
  const { VaultClient } = await import('./vault-client.js');
  const { VAULT_NAMESPACE: namespace, VAULT_CA_PATH, VAULT_TOKEN, VAULT_ROLE } = settings;
  const ca = VAULT_CA_PATH === undefined ? undefined : authorities(VAULT_CA_PATH);
  const client = new VaultClient({ url, namespace, ca, answerWithinMs: settings.VAULT_TIMEOUT_SECONDS * SECOND });
  const { VAULT_AUTH_PATH: path, VAULT_JWT_PATH: jwtPath } = settings;
  const login =
    VAULT_TOKEN === undefined
      ? kubernetesLogin(client, { path, role: VAULT_ROLE ?? '', jwtPath })
      : tokenLogin(client, VAULT_TOKEN);
  return new VaultAccess(client, login, means);
}

function authorities(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new StartFault(`VAULT_CA_PATH cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function refuse(secrets: Secrets, cause: Error): never {
  throw new StartFault(`What is needed cannot be used: ${secrets.troubles().join('; ')}.`, { cause });
}

@Global()
@Module({
  providers: [
    {
      provide: Secrets,
      inject: [SETTINGS, Registry, Clock, Randomness, Logger],
      useFactory: (
        ...[settings, registry, clock, randomness, logger]: [Settings, Registry, Clock, Randomness, Logger]
      ) => makeSecrets(settings, { clock, randomness, logger }, registry),
    },
  ],
  exports: [Secrets],
})
export class VaultModule {}
