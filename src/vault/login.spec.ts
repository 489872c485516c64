import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { kubernetesLogin, tokenLogin } from './login.js';
import type { VaultAnswer, VaultAsk } from './vault-client.js';

function answering(answer: VaultAnswer) {
  const asked: VaultAsk[] = [];
  return { asked, ask: (what: VaultAsk) => Promise.resolve(asked.push(what)).then(() => answer) };
}

describe('the login as a service account', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-jwt-'));
  const jwtPath = join(folder, 'token');
  afterAll(() => rmSync(folder, { recursive: true }));
  const auth = { client_token: 't', lease_duration: 60, renewable: true };

  it('shows the token that is in the file now, each time', async () => {
    const client = answering({ auth });
    const login = kubernetesLogin(client, { path: 'kubernetes', role: 'berth', jwtPath });
    for (const jwt of ['first', 'second']) {
      writeFileSync(jwtPath, `${jwt}\n`);
      await expect(login()).resolves.toEqual({ token: 't', lifeMs: 60_000, isRenewable: true });
    }
    expect(client.asked).toEqual([
      { path: 'auth/kubernetes/login', body: { role: 'berth', jwt: 'first' } },
      { path: 'auth/kubernetes/login', body: { role: 'berth', jwt: 'second' } },
    ]);
  });

  it('says which file is missing, and what answers like no Vault', async () => {
    const missing = kubernetesLogin(answering({ auth }), { path: 'k', role: 'r', jwtPath: join(folder, 'no') });
    await expect(missing()).rejects.toThrow(/no \(ENOENT\)/);
    writeFileSync(jwtPath, 'jwt');
    const strange = kubernetesLogin(answering({}), { path: 'k', role: 'r', jwtPath });
    await expect(strange()).rejects.toMatchObject({ trouble: 'unusable' });
  });
});

describe('a token that somebody made', () => {
  it.each([
    [
      { ttl: 60, renewable: true },
      { lifeMs: 60_000, isRenewable: true },
    ],
    [
      { ttl: 0, renewable: false },
      { lifeMs: Infinity, isRenewable: false },
    ],
  ])('is good for as long as Vault says: %j', async (data, expected) => {
    await expect(tokenLogin(answering({ data }), 't')()).resolves.toEqual({ token: 't', ...expected });
  });
});
