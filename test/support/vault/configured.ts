import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { TOKEN_SECRET } from '../berth-client.js';
import type { Environment } from '../launched.js';
import { VaultServer } from './vault-server.js';

const ROOT = join(__dirname, '..', '..', '..');

/** A Vault that was set up with the project's own script. */
export async function configuredVault(): Promise<VaultServer> {
  const vault = await VaultServer.start();
  try {
    await configure(vault);
    return vault;
  } catch (error) {
    await vault.remove();
    throw error;
  }
}

/** By `scripts/vault-configure`, as a person would. */
export async function configure(vault: VaultServer, settings: Record<string, string> = {}): Promise<string> {
  const login = { KUBERNETES_AUTH_TYPE: await vault.addKubernetesLogin(), KUBERNETES_CA_FILE: vault.caPath };
  const own = { ...login, BERTH_IP_ADDRESSES: 'true' };
  const env = { ...process.env, ...vault.environment, ...own, ...settings };
  return (await promisify(execFile)('scripts/vault-configure', { cwd: ROOT, env })).stdout;
}

/** A token as somebody would make one for development, with the rights that Berth has. */
export async function developmentToken(vault: VaultServer, life: Record<string, string> = {}): Promise<string> {
  const asked = { policies: ['berth'], no_default_policy: true, ttl: '1h', ...life };
  const { auth } = (await vault.call('POST', 'auth/token/create', asked)) as { auth: { client_token: string } };
  return auth.client_token;
}

/** Settings of a replica that has its secrets in this Vault, and nothing of its own. */
export function settingsFor(vault: VaultServer, token: string): Environment {
  return {
    AUTH_TOKEN_SECRET: undefined,
    LOG_LEVEL: 'trace',
    // Of node-vault's own words for people who look for its mistakes: they hold what is sent.
    DEBUG: 'node-vault',
    VAULT_ADDR: vault.url,
    VAULT_CA_PATH: vault.caPath,
    VAULT_TOKEN: token,
    VAULT_REFRESH_SECONDS: '1',
  };
}

/** The port by TLS, with a certificate of the PKI; `VAULT_PKI_TTL_SECONDS` says how long it is good for. */
export const WITH_PKI: Environment = {
  VAULT_PKI_ROLE: 'berth',
  VAULT_PKI_COMMON_NAME: 'berth.svc',
  VAULT_PKI_ALT_NAMES: 'api.berth.svc, 127.0.0.1',
};

/** Whom clients of Berth trust. */
export async function rootOf(vault: VaultServer): Promise<string> {
  const { data } = (await vault.call('GET', 'pki-root/cert/ca')) as { data: { certificate: string } };
  return data.certificate;
}

/** Verifies the tokens that the tests sign without a kid, as long as it is the only one. */
export const TEST_KEY = { 'token.test': TOKEN_SECRET };

export interface MadeApiKey {
  key: string;
  /** What of it is kept. */
  field: Record<string, string>;
}

export function apiKey(name: string, subject: string, scopes: string[] = []): MadeApiKey {
  const key = randomBytes(32).toString('hex');
  const sha256 = createHash('sha256').update(key).digest('hex');
  return { key, field: { [`api-key.${name}`]: JSON.stringify({ sha256, subject, scopes }) } };
}

/** Of all that was logged: none of these, and nothing that looks like a token, a JWT or a key. */
export function expectNoSecrets(output: string, secrets: readonly string[]): void {
  expect(output.length).toBeGreaterThan(1_000);
  const known = secrets.filter((secret) => secret !== '' && output.includes(secret));
  const looks = [/hv[sbr]\.[\w-]{8}/, /eyJ[\w-]{8,}\.[\w-]{8,}\./, /PRIVATE KEY/].filter((look) => look.test(output));
  expect({ known: known.length, looks }).toEqual({ known: 0, looks: [] });
}
