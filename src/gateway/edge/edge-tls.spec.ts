import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent as AgentTls, request as requestTls } from 'node:https';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

import { certificateFor, TEST_CERTIFICATE, TEST_KEY } from '../../../test/support/gateway/certificate.js';
import { EdgeWithPods } from '../../../test/support/gateway/edge-with-pods.js';
import { ask, readText } from '../../../test/support/gateway/pod-server.js';

const edge = new EdgeWithPods();
afterEach(() => edge.tearDown());

it('speaks TLS when it has a certificate, and tells the pod so', async () => {
  await edge.setUp({}, { tls: { key: TEST_KEY, cert: TEST_CERTIFICATE } });
  await edge.podWith((req, res) => res.end(req.headers['x-forwarded-proto']));
  const outgoing = requestTls({ ...edge.to(), ca: TEST_CERTIFICATE, agent: false }).end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(await readText(response)).toBe('https');
});

describe('a certificate that is replaced', () => {
  const next = certificateFor('127.0.0.1');
  const shownTo = async (): Promise<string> => {
    const socket = connectTls({ port: edge.harness.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };

  it('is shown to who connects from then on, and leaves open connections alone', async () => {
    await edge.setUp({}, { tls: { key: TEST_KEY, cert: TEST_CERTIFICATE } });
    await edge.podWith((_req, res) => res.end('served'));
    const agent = new AgentTls({ keepAlive: true, maxSockets: 1, ca: TEST_CERTIFICATE });
    const askKept = async (): Promise<[string, boolean]> => {
      const outgoing = requestTls({ ...edge.to(), agent }).end();
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      return [await readText(response), outgoing.reusedSocket];
    };
    expect(await askKept()).toEqual(['served', false]);
    expect(await shownTo()).toBe(new X509Certificate(TEST_CERTIFICATE).fingerprint256);
    edge.harness.edge.useCertificate(next);
    expect(await shownTo()).toBe(new X509Certificate(next.cert).fingerprint256);
    expect(await askKept()).toEqual(['served', true]);
    agent.destroy();
  });

  it('does not bring back what was said of old versions and ciphers', async () => {
    await edge.setUp({}, { tls: { key: TEST_KEY, cert: TEST_CERTIFICATE } });
    edge.harness.edge.useCertificate(next);
    const refused = async (options: ConnectionOptions): Promise<unknown> => {
      const socket = connectTls({ port: edge.harness.port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
      return once(socket, 'secureConnect').then(
        () => socket.destroy() && 'spoken',
        () => 'refused',
      );
    };
    const weak = { ciphers: 'ALL:@SECLEVEL=0' };
    expect(await refused({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ...weak })).toBe('refused');
    expect(await refused({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' })).toBe('refused');
    expect(await refused({ maxVersion: 'TLSv1.2' })).toBe('spoken');
    expect(await refused({ minVersion: 'TLSv1.3' })).toBe('spoken');
  });
});

describe('Strict-Transport-Security', () => {
  it('is on every answer when it is asked for, and a pod has no say in it', async () => {
    await edge.setUp({ TLS_HSTS_SECONDS: 600 });
    await edge.podWith((_req, res) => res.writeHead(200, { 'strict-transport-security': 'max-age=0' }).end());
    for (const to of [edge.to(), edge.to('GET', {}, '/api/v1/sessions'), { ...edge.to(), headers: {} }]) {
      expect((await ask(to)).headers['strict-transport-security']).toBe('max-age=600');
    }
  });

  it('is the pod’s to say when nobody asked for it', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => res.writeHead(200, { 'strict-transport-security': 'max-age=1' }).end());
    expect((await ask(edge.to())).headers['strict-transport-security']).toBe('max-age=1');
  });
});
