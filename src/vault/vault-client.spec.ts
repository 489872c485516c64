import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { VaultClient } from './vault-client.js';

/** Answers as no real Vault can be made to: late, in pieces, with another's page. The real one is in test/vault. */
describe('the way to Vault', () => {
  let server: Server;
  let client: VaultClient;
  const seen: { url?: string; headers: Record<string, unknown> }[] = [];

  async function answering(listener: RequestListener, namespace?: string): Promise<void> {
    server = createServer((req, res) => {
      seen.push({ url: req.url, headers: req.headers });
      listener(req, res);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    client = new VaultClient({ url, namespace, answerWithinMs: 200 });
  }
  afterEach(async () => {
    seen.length = 0;
    await client.close();
    server.closeAllConnections();
    server.close();
  });

  it.each<[string, RequestListener]>([
    ['never', () => undefined],
    ['without an end', (_req, res) => void res.writeHead(200).write('{')],
  ])('is given up when it answers %s', async (_, listener) => {
    await answering(listener);
    await expect(client.ask({ path: 'x' })).rejects.toMatchObject({
      trouble: 'away',
      message: expect.stringMatching('200 ms') as string,
    });
  });

  it('is away when nobody is there', async () => {
    await answering(() => undefined);
    server.close();
    await once(server, 'close');
    await expect(client.ask({ path: 'x' })).rejects.toMatchObject({
      trouble: 'away',
      message: expect.stringMatching('ECONNREFUSED') as string,
    });
  });

  it('is no Vault when it answers with a page', async () => {
    await answering((_req, res) => res.writeHead(502).end('<html>bad gateway</html>'));
    await expect(client.ask({ path: 'x' })).rejects.toMatchObject({
      trouble: 'away',
      message: expect.stringMatching('no JSON') as string,
    });
  });

  it('carries token, namespace and each word of the path as it is', async () => {
    await answering((_req, res) => res.end('{"data":{}}'), 'team');
    await client.ask({ path: 'secret/data/a b/ü?x', token: 't' });
    expect(seen[0]).toMatchObject({
      url: '/v1/secret/data/a%20b/%C3%BC%3Fx',
      headers: { 'x-vault-token': 't', 'x-vault-namespace': 'team', 'x-vault-request': 'true' },
    });
  });

  it('carries no token before there is one', async () => {
    await answering((_req, res) => res.end('{}'));
    await client.ask({ path: 'auth/k/login', body: { jwt: 'a-jwt-of-some-length' } });
    expect(seen[0]?.headers).not.toHaveProperty('x-vault-token');
  });

  it('keeps no secret in its errors', async () => {
    await answering((_req, res) => res.writeHead(400).end('{"errors":["bad token a-token-of-some-length"]}'));
    const error: unknown = await client
      .ask({ path: 'x', token: 'a-token-of-some-length' })
      .catch((one: unknown) => one);
    expect(JSON.stringify([error, (error as Error).message, (error as Error).cause])).not.toContain('a-token');
  });
});
