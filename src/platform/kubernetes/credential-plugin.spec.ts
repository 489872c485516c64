import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PluginCredentials } from './credential-plugin.js';
import type { CredentialPlugin } from './kubeconfig.js';

const APIVERSION = 'client.authentication.k8s.io/v1';

describe('a program that hands out credentials', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-plugin-'));
  const runs = join(folder, 'runs');
  afterEach(() => rmSync(runs, { force: true }));
  afterAll(() => rmSync(folder, { recursive: true }));

  const plugin = (script: string, more: Partial<CredentialPlugin> = {}): PluginCredentials => {
    const args = ['-c', `echo run >>${runs}; ${script}`];
    const asked = { apiVersion: APIVERSION, command: 'sh', args, env: {}, wantsCluster: false, ...more };
    return new PluginCredentials(asked, () => ({ server: 'https://api' }));
  };
  const printing = (status: object): PluginCredentials =>
    plugin(`echo '${JSON.stringify({ apiVersion: APIVERSION, kind: 'ExecCredential', status })}'`);
  const ran = (): number => readFileSync(runs, 'utf8').trim().split('\n').length;
  const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();

  it('may hand out a token, or a certificate with its key', async () => {
    expect(await printing({ token: 'a' }).current()).toEqual({ token: 'a' });
    const pair = { clientCertificateData: 'CERT', clientKeyData: 'KEY' };
    expect(await printing(pair).current()).toEqual({ certificate: 'CERT', key: 'KEY' });
  });

  it('runs once for all who ask at once, and not again until the credentials expire', async () => {
    const credentials = printing({ token: 'a', expirationTimestamp: inSeconds(600) });
    await Promise.all([credentials.current(), credentials.current()]);
    await credentials.current();
    expect(ran()).toBe(1);
  });

  it('runs again for credentials that expire in a moment', async () => {
    const credentials = printing({ token: 'a', expirationTimestamp: inSeconds(5) });
    await credentials.current();
    await credentials.current();
    expect(ran()).toBe(2);
  });

  it('runs again once what it handed out was refused', async () => {
    const credentials = printing({ token: 'a' });
    await credentials.current();
    credentials.forget();
    await credentials.current();
    expect(ran()).toBe(2);
  });

  it('runs again after it failed', async () => {
    const credentials = plugin('exit 3');
    await expect(credentials.current()).rejects.toThrow();
    await expect(credentials.current()).rejects.toThrow();
    expect(ran()).toBe(2);
  });

  it('is told who asks and, if it wants to know, of what cluster', async () => {
    const told = async (wantsCluster: boolean): Promise<unknown> => {
      const file = join(folder, 'told');
      const script = `printf %s "$KUBERNETES_EXEC_INFO" >${file}; echo '{"kind":"ExecCredential","status":{"token":"'$WORD'"}}'`;
      expect(await plugin(script, { env: { WORD: 'b' }, wantsCluster }).current()).toEqual({ token: 'b' });
      return JSON.parse(readFileSync(file, 'utf8'));
    };
    const question = { apiVersion: APIVERSION, kind: 'ExecCredential' };
    expect(await told(false)).toEqual({ ...question, spec: { interactive: false } });
    expect(await told(true)).toEqual({
      ...question,
      spec: { interactive: false, cluster: { server: 'https://api' } },
    });
  });

  const failures: [string, string, RegExp][] = [
    ['says why it fails', 'echo no login >&2; exit 1', /^sh handed out no credentials: no login$/],
    ['fails without a word', 'exit 3', /: it ended with code 3$/],
    ['prints no JSON', 'echo secret-word', /^sh printed something that is no JSON/],
    ['prints something else', `echo '{"token":"secret-word"}'`, /^sh printed no ExecCredential/],
  ];
  it.each(failures)('is quoted with care when it %s', async (_name, script, sentence) => {
    const failure = await plugin(script)
      .current()
      .then(
        () => '',
        (error: unknown) => (error as Error).message,
      );
    expect(failure).toMatch(sentence);
    expect(failure).not.toContain('secret-word');
  });

  it('is missed by its name', async () => {
    const missing = plugin('', { command: 'no-such-program' }).current();
    await expect(missing).rejects.toThrow(/^no-such-program handed out no credentials: .*ENOENT/);
  });
});
