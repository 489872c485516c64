import { ConfigurationError, loadSettings } from './load-settings.js';

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadSettings(environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
  throw new Error('no fault was found');
}

const VAULT = { VAULT_ADDR: 'https://vault:8200', VAULT_ROLE: 'berth' };
const PKI = { VAULT_PKI_ROLE: 'berth', VAULT_PKI_COMMON_NAME: 'berth.test' };
const CLUSTER = { RUNTIME: 'kubernetes', SESSION_POD_IMAGE: 'berth:1' };

describe('loadSettings', () => {
  it('serves on its defaults with nothing set', () => {
    const settings = loadSettings({});
    expect(settings).toMatchObject({ PORT: 8080, METRICS_PORT: 9090, RUNTIME: 'process', STORE: 'memory' });
    expect(settings).toMatchObject({ IDLE_TIMEOUT_SECONDS: 600, MAX_CONCURRENT_SESSIONS: 1000, CORS_ORIGINS: [] });
  });

  it.each([
    [
      { KUBERNETES_SERVICE_HOST: '10.0.0.1', SESSION_POD_IMAGE: 'berth:1' },
      { RUNTIME: 'kubernetes', STORE: 'memory' },
    ],
    [
      { ...CLUSTER, REDIS_URL: 'redis://redis' },
      { RUNTIME: 'kubernetes', STORE: 'redis' },
    ],
    [{ ...CLUSTER, REDIS_HOST: 'redis', STORE: 'memory' }, { STORE: 'memory' }],
    [{ KUBERNETES_SERVICE_HOST: '10.0.0.1', RUNTIME: 'process' }, { RUNTIME: 'process' }],
  ])('takes from %j what runs the pods and what remembers them', (environment, expected) => {
    expect(loadSettings(environment)).toMatchObject(expected);
  });

  it('takes secrets from Vault, or, where it is told to, from elsewhere beside it', () => {
    expect(loadSettings({ ...VAULT, ...PKI })).toMatchObject({ VAULT_API_KEYS_PATH: 'secret/api/keys' });
    const beside = { VAULT_API_KEYS_PATH: 'none', AUTH_TOKEN_SECRET: 'x'.repeat(32), AUTH_ISSUER: 'i' };
    expect(loadSettings({ ...VAULT, ...beside })).toMatchObject(beside);
  });

  it('takes an empty value for one that is not set', () => {
    expect(loadSettings({ PORT: '' }).PORT).toBe(8080);
  });

  it('names every fault at once', () => {
    const faults = faultsOf({
      PORT: 'eighty',
      IDLE_TIMEOUT_SECONDS: '0',
      LOG_LEVEL: 'loud',
      TLS_CERT_PATH: 'cert.pem',
    });
    expect(faults).toHaveLength(4);
    expect(faults.join('\n')).toMatch(/PORT.*\n.*LOG_LEVEL.*|LOG_LEVEL.*/);
    for (const name of ['PORT', 'IDLE_TIMEOUT_SECONDS', 'LOG_LEVEL', 'TLS_KEY_PATH'])
      expect(faults.join('\n')).toContain(name);
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['IDLE_TIMEOUT_SECONDS', '99999999999'],
    ['MAX_CONCURRENT_SESSIONS', '0'],
    ['SESSION_POD_MEMORY_LIMIT', 'much'],
    ['AUTH_JWKS_URL', 'ftp://keys'],
    ['RUNTIME', 'docker'],
  ])('refuses %s=%s and names it', (name, value) => {
    expect(faultsOf({ [name]: value }).join('\n')).toContain(name);
  });

  it('prints no value, whatever is wrong with it', () => {
    const faults = faultsOf({
      AUTH_TOKEN_SECRET: 'short-and-secret',
      LOG_LEVEL: 'short-and-secret',
      PORT: 'short-and-secret',
    });
    expect(faults).toHaveLength(3);
    expect(faults.join('\n')).not.toContain('short-and-secret');
  });

  it.each([
    [{ AUTH_JWKS_URL: 'https://issuer.test/jwks' }, 'AUTH_ISSUER'],
    [
      {
        AUTH_JWKS_URL: 'https://issuer.test/jwks',
        AUTH_ISSUER: 'i',
        AUTH_AUDIENCE: 'a',
        AUTH_TOKEN_SECRET: 'x'.repeat(32),
      },
      'exclude',
    ],
    [{ AUTH_ISSUER: 'https://issuer.test' }, 'AUTH_ISSUER'],
    [{ PORT: '9090' }, 'METRICS_PORT'],
    [{ REDIS_HOST: 'redis' }, 'STORE redis needs RUNTIME kubernetes'],
    [{ ...CLUSTER, STORE: 'redis' }, 'REDIS_HOST or REDIS_URL'],
    [{ ...CLUSTER, REDIS_HOST: 'redis', REDIS_URL: 'redis://redis' }, 'exclude'],
    [{ RUNTIME: 'kubernetes' }, 'SESSION_POD_IMAGE'],
    [{ LEASE_DURATION_SECONDS: '10' }, 'LEASE_DURATION_SECONDS'],
    [{ LEASE_RETRY_SECONDS: '9' }, 'LEASE_RETRY_SECONDS'],
    [{ TLS_HSTS_SECONDS: '60' }, 'TLS_HSTS_SECONDS'],
    [{ VAULT_ADDR: 'https://vault' }, 'VAULT_ROLE'],
    [{ VAULT_ADDR: 'vault:8200', VAULT_ROLE: 'berth' }, 'VAULT_ADDR'],
    [{ VAULT_ROLE: 'berth' }, 'VAULT_ADDR'],
    [{ ...VAULT, VAULT_TOKEN: 't' }, 'exclude'],
    [{ ...VAULT, AUTH_TOKEN_SECRET: 'x'.repeat(32) }, 'VAULT_API_KEYS_PATH'],
    [{ ...VAULT, AUTH_KEYS_PATH: 'keys.yaml' }, 'VAULT_API_KEYS_PATH'],
    [{ ...VAULT, REDIS_PASSWORD: 'x' }, 'VAULT_REDIS_PASSWORD_PATH'],
    [{ ...VAULT, VAULT_API_KEYS_PATH: 'secret//keys' }, 'VAULT_API_KEYS_PATH'],
    [{ ...VAULT, VAULT_PKI_ROLE: 'berth' }, 'VAULT_PKI_COMMON_NAME'],
    [{ ...VAULT, ...PKI, TLS_CERT_PATH: 'a', TLS_KEY_PATH: 'b' }, 'exclude'],
    [PKI, 'VAULT_PKI_ROLE needs VAULT_ADDR'],
    [{ REDIS_PASSWORD: 'x', REDIS_PASSWORD_PATH: 'y' }, 'exclude'],
  ])('refuses the combination %j', (environment, word) => {
    expect(faultsOf(environment).join('\n')).toContain(word);
  });
});
