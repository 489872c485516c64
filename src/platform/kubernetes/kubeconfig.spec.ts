import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { StartFault } from '../../config/start-fault.js';
import { type KubeAccess, readKubeconfig } from './kubeconfig.js';

describe('a kubeconfig', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-kubeconfig-'));
  const path = join(folder, 'config');
  afterAll(() => rmSync(folder, { recursive: true }));

  const read = (text: string): KubeAccess => {
    writeFileSync(path, text);
    return readKubeconfig(path);
  };
  const withUser = (user: object): KubeAccess => read(JSON.stringify(config({ user })));
  const withCluster = (cluster: object): KubeAccess => read(JSON.stringify(config({ cluster })));
  const config = ({ user = {}, cluster = {} }: { user?: object; cluster?: object }): object => ({
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'one', user: 'me' } }],
    clusters: [{ name: 'one', cluster: { server: 'https://api:6443', ...cluster } }],
    users: [{ name: 'me', user }],
  });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  it('counts in its current context alone, whatever else stands there', () => {
    const access = read(`
apiVersion: v1
kind: Config
preferences: {}
current-context: b
contexts:
- { name: a, context: { cluster: a, user: a } }
- { name: b, context: { cluster: b, user: b, namespace: ignored } }
clusters:
- { name: a, cluster: { server: 7 } }
- { name: b, cluster: { server: 'https://b.example/path/', tls-server-name: inner, extensions: [{ name: x }] } }
users:
- { name: a, user: { auth-provider: { name: gcp } } }
- { name: b, user: { token: secret } }
`);
    expect(access).toEqual({
      cluster: { server: 'https://b.example/path', tlsServerName: 'inner', isAnyCertificateGood: false },
      user: { token: { text: 'secret' } },
    });
  });

  it('names files relative to itself, and prefers what it says itself', () => {
    expect(withCluster({ 'certificate-authority': 'pki/ca.crt' }).cluster.ca).toEqual({ file: `${folder}/pki/ca.crt` });
    expect(withCluster({ 'certificate-authority': '/etc/ca.crt' }).cluster.ca).toEqual({ file: '/etc/ca.crt' });
    const both = { 'certificate-authority': 'ca.crt', 'certificate-authority-data': base64('PEM') };
    expect(withCluster(both).cluster.ca).toEqual({ text: 'PEM' });
    expect(withUser({ 'client-certificate': 'a.crt', 'client-key-data': base64('KEY') }).user).toEqual({
      certificate: { file: `${folder}/a.crt` },
      key: { text: 'KEY' },
    });
  });

  it('prefers a file with a token, which may change, to a token', () => {
    expect(withUser({ token: 'old', tokenFile: 'token' }).user.token).toEqual({ file: `${folder}/token` });
  });

  it('may name a user of whom nothing is said', () => {
    expect(read(JSON.stringify(config({})).replace('"user":{}', '"user":null')).user).toEqual({});
    expect(withUser({ token: '' }).user).toEqual({});
  });

  it('may have a program that hands out credentials, found in PATH or relative to the file', () => {
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'aws', interactiveMode: 'Never' };
    expect(withUser({ exec }).user.plugin).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'aws',
      args: [],
      env: {},
      wantsCluster: false,
    });
    const more = { command: './bin/get', args: ['x'], env: [{ name: 'A', value: '1' }], provideClusterInfo: true };
    expect(withUser({ exec: { ...exec, ...more } }).user.plugin).toMatchObject({
      command: `${folder}/bin/get`,
      args: ['x'],
      env: { A: '1' },
      wantsCluster: true,
    });
  });

  describe('is refused with a sentence', () => {
    const whole = config({});
    const refused: [string, object | string, RegExp][] = [
      ['that is no YAML', '{', /cannot be read/],
      ['that is empty', '', /cannot be read/],
      ['whose clusters are no list', { ...whole, clusters: {} }, /cannot be read: .*clusters/s],
      ['without a context', {}, /no current context/],
      ['whose context is not there', { ...whole, 'current-context': 'away' }, /no current context/],
      ['whose context names a cluster that is not there', { ...whole, clusters: null }, /one without a cluster/],
      ['whose context names a user who is not there', { ...whole, users: [] }, /names no user in its current context/],
      ['with a number for a server', config({ cluster: { server: 7 } }), /is wrong at cluster.server of one/],
      ['with a number for a token', config({ user: { token: 7 } }), /is wrong at user.token of me/],
      ['without a server', config({ cluster: { server: null } }), /names no server that is a URL/],
      ['with a proxy', config({ cluster: { 'proxy-url': 'http://p' } }), /has a proxy-url/],
      ['with a server without TLS', config({ cluster: { server: 'http://api' } }), /without TLS/],
      [
        'with an old plugin',
        config({ user: { 'auth-provider': { name: 'gcp' } } }),
        /a user with auth-provider; Berth/,
      ],
      ['with a password', config({ user: { username: 'a', password: 'b' } }), /a user with username; Berth/],
      ['that asks as somebody else', config({ user: { token: 'a', as: 'root' } }), /a user with as; Berth/],
    ];
    it.each(refused)('%s', (_name, content, sentence) => {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      expect(() => read(text)).toThrow(StartFault);
      expect(() => read(text)).toThrow(sentence);
    });

    it('and without what it holds', () => {
      const text = JSON.stringify(config({ user: { token: 'secret-token', as: 'root' } }));
      expect(() => read(text)).not.toThrow(/secret-token/);
    });
  });
});
