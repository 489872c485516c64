import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { StartFault } from '../../config/start-fault.js';
import { KubernetesClient } from './kubernetes-client.js';
import { asKubernetesError, KubernetesError } from './kubernetes-errors.js';

/** An API server that answers as a test says and counts who connects. */
class FakeApi {
  readonly sockets = new Set<Socket>();
  connections = 0;
  answer: RequestListener = (_request, response) => response.end('{}');
  private readonly server: Server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    this.answer(request, response);
  });

  async listen(): Promise<string> {
    this.server.on('connection', (socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const POD = '/api/v1/namespaces/here/pods/a';
const PODS = '/api/v1/namespaces/here/pods';
const kubeconfig = (server: string, user: object = { token: 'secret-token' }, cluster: object = {}): string =>
  JSON.stringify({
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'one', user: 'me' } }],
    clusters: [{ name: 'one', cluster: { server, 'insecure-skip-tls-verify': true, ...cluster } }],
    users: [{ name: 'me', user }],
  });

describe('the Kubernetes client', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-kubeconfig-'));
  const open: KubernetesClient[] = [];
  let api: FakeApi;
  let server: string;

  beforeEach(async () => {
    api = new FakeApi();
    server = await api.listen();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
    await api.close();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const written = (text: string): string => {
    const path = join(folder, `${Math.random()}.json`);
    writeFileSync(path, text);
    return path;
  };
  const load = (options: object = {}, text = kubeconfig(server)): KubernetesClient => {
    const client = KubernetesClient.load({ kubeconfigPath: written(text), namespace: 'here', ...options });
    open.push(client);
    return client;
  };
  const failure = async (call: Promise<unknown>): Promise<KubernetesError> =>
    asKubernetesError(
      await call.then(
        () => Promise.reject(new Error('it did not fail')),
        (error: unknown) => error,
      ),
    );

  describe('keeps its connections', () => {
    it('over many calls one after the other', async () => {
      const client = load();
      for (let call = 0; call < 200; call++) await client.read(POD);
      expect(api.connections).toBeLessThanOrEqual(2);
    });

    it('to a few, however many calls come at once', async () => {
      const client = load({ connections: 4 });
      await Promise.all(Array.from({ length: 200 }, () => client.read(PODS)));
      expect(api.connections).toBeLessThanOrEqual(4);
    });

    it('for calls, though more streams are open than calls may be on their way', async () => {
      const client = load({ connections: 1 });
      const end = new AbortController();
      api.answer = (request, response) => {
        if (request.url?.includes('watch')) response.write('\n');
        else response.end('{}');
      };
      const streams = [1, 2, 3].map(() => client.raw('/api/v1/pods', { watch: true }, end.signal));
      for (const stream of await Promise.all(streams)) stream.on('error', () => undefined);
      expect(await client.read('/api/v1/pods')).toEqual({});
      end.abort();
    });

    it('until the credentials change in their file', async () => {
      const caFile = written('-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n');
      const client = load({}, kubeconfig(server, {}, { 'certificate-authority': caFile }));
      for (let call = 0; call < 9; call++) await client.read(POD);
      const before = api.connections;
      expect(before).toBeLessThanOrEqual(2);
      writeFileSync(caFile, '-----BEGIN CERTIFICATE-----\nBB==\n-----END CERTIFICATE-----\n');
      for (let call = 0; call < 9; call++) await client.read(POD);
      expect(api.connections).toBeGreaterThan(before);
      expect(api.connections).toBeLessThanOrEqual(before + 2);
    });
  });

  describe('says who it is', () => {
    it('by the token of the kubeconfig, in changes, reads and streams', async () => {
      const seen: (string | undefined)[] = [];
      api.answer = (request, response) => {
        seen.push(request.headers.authorization);
        response.end('{}');
      };
      const client = load();
      await client.write(PODS, { method: 'POST', body: {} });
      await client.read('/api/v1/pods');
      await (await client.raw('/api/v1/pods', {}, new AbortController().signal)).dump();
      expect(seen).toEqual(Array(3).fill('Bearer secret-token'));
    });
  });

  it('asks a plugin anew once the API server does not know the token any more', async () => {
    const tokens: (string | undefined)[] = [];
    api.answer = (request, response) => {
      tokens.push(request.headers.authorization);
      response.writeHead(tokens.length === 2 ? 401 : 200).end('{}');
    };
    const count = join(folder, 'handed-out');
    const script = `echo >>${count}; echo '{"kind":"ExecCredential","status":{"token":"t'$(wc -l <${count})'"}}'`;
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] };
    const client = load({}, kubeconfig(server, { exec }));
    await client.read(POD);
    expect((await failure(client.read(POD))).status).toBe(401);
    await client.read(POD);
    expect(tokens).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t2']);
  });

  describe('waits for an answer no longer than its deadline', () => {
    const deadlineMs = 100;
    const stalls: [string, RequestListener][] = [
      ['the head does not come', () => undefined],
      ['the body stalls', (_request, response) => void response.writeHead(200).write('{"kind":')],
      ['the body of an error stalls', (_request, response) => void response.writeHead(500).write('{"kind":')],
    ];
    it.each(stalls)('when %s', async (_name, answer) => {
      api.answer = answer;
      const client = load({ deadlineMs });
      const { status, message, cause } = await failure(client.read(POD));
      expect([status, cause]).toEqual([undefined, undefined]);
      expect(message).toBe('The Kubernetes API server did not answer in time.');
    });

    it('that a caller makes shorter', async () => {
      api.answer = () => undefined;
      const hasty = load({ deadlineMs: 60_000 }).within(deadlineMs);
      expect((await failure(hasty.read(POD))).status).toBeUndefined();
    });

    it('when a plugin for credentials hangs', async () => {
      const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sleep', args: ['0.5'] };
      const client = load({ deadlineMs }, kubeconfig(server, { exec }));
      const error = await failure(client.read(POD));
      expect([error.status, error.message]).toEqual([undefined, 'There were no credentials within 100 ms.']);
    });

    it('but leaves a stream open for longer, until the signal', async () => {
      api.answer = (_request, response) => setTimeout(() => response.write('late'), deadlineMs * 2);
      const end = new AbortController();
      const body = await load({ deadlineMs }).raw('/log', {}, end.signal);
      const pieces: string[] = [];
      const reading = (async () => {
        for await (const piece of body as AsyncIterable<Buffer>) {
          pieces.push(piece.toString());
          end.abort();
        }
      })();
      await expect(reading).rejects.toThrow();
      expect(pieces).toEqual(['late']);
    });
  });

  describe('tells an error', () => {
    const answers = (code: number, body: string, headers: Record<string, string> = {}): void => {
      api.answer = (_request, response) =>
        response
          .writeHead(code, { 'content-type': 'application/json', 'x-audit': 'header-text', ...headers })
          .end(body);
    };
    const status = JSON.stringify({
      kind: 'Status',
      message: 'pods "a" already exists',
      reason: 'AlreadyExists',
      details: { name: 'a', kind: 'pods' },
      code: 409,
    });

    it.each(['write', 'read', 'raw'])('by the words of the Status that was answered to a %s', async (way) => {
      answers(409, status);
      const client = load();
      const calls: Record<string, () => Promise<unknown>> = {
        write: () => client.write(PODS, { method: 'POST', body: {} }),
        read: () => client.read('/api/v1/pods'),
        raw: () => client.raw('/api/v1/pods', {}, new AbortController().signal),
      };
      const error = await failure(calls[way]!());
      expect(error).toMatchObject({ status: 409, reason: 'AlreadyExists', message: 'pods "a" already exists' });
      expect(error.details).toMatchObject({ name: 'a', kind: 'pods' });
      expect(JSON.stringify(error) + error.message).not.toContain('header-text');
    });

    it('by its code when the answer is no Status', async () => {
      answers(502, '<html>bad gateway</html>');
      const error = await failure(load().read(PODS));
      expect([error.status, error.message]).toEqual([502, 'The Kubernetes API server answered 502.']);
    });

    it('with how long the server wants to be left alone', async () => {
      answers(429, '{}', { 'retry-after': '3' });
      const error = await failure(load().read(PODS));
      expect([error.status, error.retryAfterMs]).toEqual([429, 3_000]);
    });

    it('of a connection without a status, with what broke it', async () => {
      const client = load();
      await api.close();
      const error = await failure(client.read(PODS));
      expect(error.status).toBeUndefined();
      expect(error.message).toMatch(/^The Kubernetes API server could not be asked: .*ECONNREFUSED/);
      expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
    });
  });

  describe('says at the start what is wrong with', () => {
    const cases: [string, string, RegExp][] = [
      ['a file that is no YAML', '{', /cannot be read/],
      ['a file without a context', '{}', /no current context/],
      ['a server without TLS', kubeconfig('http://a', {}, { 'insecure-skip-tls-verify': false }), /without TLS/],
      ['a proxy', kubeconfig('https://a', {}, { 'proxy-url': 'http://b' }), /proxy-url/],
      ['a server that is no URL', kubeconfig('nowhere'), /no server that is a URL/],
    ];
    it.each(cases)('%s', (_name, text, sentence) => {
      expect(() => load({}, text)).toThrow(StartFault);
      expect(() => load({}, text)).toThrow(sentence);
    });

    it('a file that is not there', () => {
      expect(() => KubernetesClient.load({ kubeconfigPath: '/none', namespace: 'a' })).toThrow(/ENOENT/);
    });

    it('no file outside of a pod', () => {
      expect(() => KubernetesClient.load({ namespace: 'a' })).toThrow(/no kubeconfig is named, and this is no pod/);
    });
  });
});
