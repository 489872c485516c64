import { type BerthProcess, startBerth } from '../support/berth-process.js';
import { expectProblem } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import {
  apiKey,
  configure,
  configuredVault,
  developmentToken,
  expectNoSecrets,
  settingsFor,
  TEST_KEY,
} from '../support/vault/configured.js';
import { describeWithVault, type VaultServer } from '../support/vault/vault-server.js';

const OLD = { keyId: 'old', secret: 'the-old-signing-key-of-thirty-two-bytes' };
const NEXT = { keyId: 'next', secret: 'the-next-signing-key-of-thirty-two-bytes' };
/** Several times what a replica takes to start on a busy machine: a token that has ended cannot be renewed. */
const TTL_SECONDS = 20;
const ci = apiKey('ci', 'ci-robot');
const auditor = apiKey('auditor', 'auditor', ['berth:admin']);

const fields = (...keys: (typeof OLD)[]) =>
  Object.fromEntries(keys.map(({ keyId, secret }) => [`token.${keyId}`, secret]));

describeWithVault('a replica with its keys in Vault', () => {
  let vault: VaultServer;
  let berth: BerthProcess;
  let token: string;

  beforeAll(async () => {
    vault = await configuredVault();
    token = await developmentToken(vault, { ttl: `${TTL_SECONDS}s`, explicit_max_ttl: '1h' });
    await vault.put('api/keys', fields(OLD));
    berth = await startBerth(settingsFor(vault, token));
  }, 90_000);
  afterAll(async () => {
    await berth?.stop();
    await vault?.remove();
  });

  const status = async (as: typeof OLD) =>
    (await berth.call('GET', '/api/v1/sessions', { as: { subject: 'ann', ...as } })).status;
  const statusOf = async (key: string) =>
    (await berth.call('GET', '/api/v1/sessions', { headers: { 'x-api-key': key } })).status;

  it('takes a token of a new key as soon as it is there, and one of the old key until that is gone', async () => {
    expect([await status(OLD), await status(NEXT)]).toEqual([200, 401]);
    await vault.put('api/keys', fields(OLD, NEXT));
    await eventually(async () => expect(await status(NEXT)).toBe(200));
    expect(await status(OLD)).toBe(200);
    await vault.put('api/keys', fields(NEXT));
    await eventually(async () => expect(await status(OLD)).toBe(401));
    expect(await status(NEXT)).toBe(200);
  });

  it('takes an API key for its subject, with its scopes, until it is gone', async () => {
    expect(await statusOf(ci.key)).toBe(401);
    await vault.put('api/keys', { ...fields(NEXT), ...ci.field, ...auditor.field });
    await eventually(async () => expect(await statusOf(ci.key)).toBe(200));
    const headers = { 'x-api-key': ci.key };
    const opened = await berth.execute('made-by-ci', { a: 1 }, { as: undefined, headers });
    expect(opened).toMatchObject({ status: 200 });
    const shown = await berth.status('made-by-ci', { as: undefined, headers });
    expect(shown.body).toMatchObject({ owner: 'ci-robot' });
    expectProblem(await berth.status('made-by-ci', { as: { subject: 'ann', ...NEXT } }), 404, 'SESSION_NOT_FOUND');
    const seen = await berth.status('made-by-ci', { as: undefined, headers: { 'x-api-key': auditor.key } });
    expect(seen).toMatchObject({ status: 200 });
    await vault.put('api/keys', { ...fields(NEXT), ...auditor.field });
    await eventually(async () => expect(await statusOf(ci.key)).toBe(401));
    expect(await statusOf(auditor.key)).toBe(200);
  });

  it.each([
    ['is not usable', () => vault.put('api/keys', { ...fields(NEXT), 'token.short': 'too-short' })],
    ['is deleted', () => vault.call('DELETE', 'secret/data/api/keys')],
  ])('goes on with the keys that it has when the secret %s, and says so', async (_, spoil) => {
    await spoil();
    await eventually(async () => {
      expect(await berth.metrics()).toContain('session_secret_usable{secret="access-keys"} 0');
    });
    expect(await status(NEXT)).toBe(200);
    const { status: code, text } = await berth.call('GET', '/health');
    expect([code, text]).toEqual([503, expect.stringContaining('access-keys')]);
    expect(await berth.call('GET', '/health/ready')).toMatchObject({ status: 200 });
    await vault.put('api/keys', fields(NEXT, OLD));
    await eventually(async () => expect(await status(OLD)).toBe(200));
    expect(await berth.call('GET', '/health')).toMatchObject({ status: 200 });
    await vault.put('api/keys', fields(NEXT));
    await eventually(async () => expect(await status(OLD)).toBe(401));
  });

  it('reads them at SIGHUP, however long it would have waited', async () => {
    const patient = await startBerth({ ...settingsFor(vault, token), VAULT_REFRESH_SECONDS: '3600' });
    const of = async (as: typeof OLD) =>
      (await patient.call('GET', '/api/v1/sessions', { as: { subject: 'ann', ...as } })).status;
    await vault.put('api/keys', fields(OLD));
    expect([await of(OLD), await of(NEXT)]).toEqual([401, 200]);
    patient.signal('SIGHUP');
    await eventually(async () => expect(await of(OLD)).toBe(200));
    expect(await of(NEXT)).toBe(401);
    await vault.put('api/keys', fields(NEXT));
    await patient.stop();
    expectNoSecrets(patient.output(), [OLD.secret, NEXT.secret, token]);
  });

  it('has renewed its token all the while', async () => {
    const { data } = (await vault.call('POST', 'auth/token/lookup', { token })) as { data: { creation_time: number } };
    await eventually(() => expect(Date.now() / 1_000 - data.creation_time).toBeGreaterThan(2 * TTL_SECONDS), 60_000);
    expect(await berth.metrics()).toContain('session_vault_up 1');
    expect(await berth.metrics()).toContain('session_vault_logins_total 1');
  }, 60_000);

  it('has no right to anything else there', async () => {
    for (const [method, path] of [
      ['GET', 'secret/data/other'],
      ['LIST', 'secret/metadata'],
      ['POST', 'secret/data/api/keys'],
      ['GET', 'sys/mounts'],
      ['POST', 'pki/sign/berth'],
    ] as const)
      await expect(vault.call(method, path, undefined, token)).rejects.toThrow('403');
  });

  it('has written no secret, token or key into its log', () => {
    const secrets = [OLD.secret, NEXT.secret, ci.key, auditor.key, token, vault.token, 'too-short'];
    expectNoSecrets(berth.output(), secrets);
  });
});

describeWithVault('the script that sets Vault up', () => {
  it('may be run again, and says that it is done', async () => {
    const vault = await configuredVault();
    try {
      await vault.put('api/keys', TEST_KEY);
      const before = await vault.call('GET', 'pki/cert/ca');
      expect(await configure(vault, { BERTH_TOKEN_TTL: '5m' })).toMatch(/done\n$/);
      expect((await vault.call('GET', 'pki/cert/ca')).data).toEqual(before.data);
      expect((await vault.call('GET', 'auth/kubernetes/role/berth')).data).toMatchObject({ token_ttl: 300 });
      expect((await vault.call('GET', 'secret/data/api/keys')).data).toMatchObject({ data: TEST_KEY });
    } finally {
      await vault.remove();
    }
  }, 60_000);
});
