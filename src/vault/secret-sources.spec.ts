import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fromFile, fromVault, kvPath, yamlFields } from './secret-sources.js';
import type { VaultAnswer } from './vault-client.js';

describe('a secret of Vault', () => {
  it.each([
    ['secret/redis/password', 'secret/data/redis/password'],
    ['secret/data/redis/password', 'secret/data/redis/password'],
    ['team/kv/data/redis', 'team/kv/data/redis'],
    ['kv/redis', 'kv/data/redis'],
  ])('at %s is asked for as %s', (path, asked) => {
    expect(kvPath(path)).toBe(asked);
  });

  const answering = (data: VaultAnswer['data']) => fromVault({ ask: () => Promise.resolve({ data }) }, 'secret/x');

  it('has its fields and its version', async () => {
    const source = answering({ data: { password: 'p' }, metadata: { version: 7 } });
    await expect(source.read()).resolves.toEqual({ version: '7', fields: { password: 'p' } });
  });

  it.each([{ password: 'p' }, { data: null, metadata: { version: 7 } }, null])(
    'is refused where it is not of KV version 2: %j',
    async (data) => {
      await expect(answering(data).read()).rejects.toMatchObject({ trouble: 'unusable' });
    },
  );
});

describe('a secret in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-secret-'));
  const path = join(folder, 'keys.yaml');
  afterAll(() => rmSync(folder, { recursive: true }));
  const source = fromFile('AUTH_KEYS_PATH', path, yamlFields);

  it('has another version when it has other words, which do not show in it', async () => {
    writeFileSync(path, 'token.a: hunter2hunter2');
    const { version, fields } = await source.read();
    expect(fields).toEqual({ 'token.a': 'hunter2hunter2' });
    writeFileSync(path, 'token.a: hunter3hunter3');
    expect((await source.read()).version).not.toBe(version);
    expect(version).toMatch(/^[0-9a-f]{8}$/);
  });

  it.each(['- a list', 'token.a: {broken', 'hunter2'])('is refused without its words when it is %j', async (text) => {
    writeFileSync(path, text);
    await expect(source.read()).rejects.toThrow(/^(?!.*(hunter2|list|token)).*$/s);
  });

  it('may be empty', async () => {
    writeFileSync(path, '');
    await expect(source.read()).resolves.toMatchObject({ fields: {} });
  });

  it('that is not there is told by its setting and its path', async () => {
    await expect(fromFile('AUTH_KEYS_PATH', join(folder, 'no'), yamlFields).read()).rejects.toThrow('ENOENT');
    expect(source.place).toBe(`AUTH_KEYS_PATH (${path})`);
  });
});
