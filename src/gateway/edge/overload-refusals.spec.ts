import { WITH_TOKEN } from '../../../test/support/gateway/edge-harness.js';
import { EdgeWithPods, PROXY } from '../../../test/support/gateway/edge-with-pods.js';
import { ask, type PodServer } from '../../../test/support/gateway/pod-server.js';
import { lines, rawRequest, statuses } from '../../../test/support/raw-request.js';

const edge = new EdgeWithPods();
afterEach(() => edge.tearDown());

const head = (method: string, path: string, ...more: string[]): string =>
  lines(`${method} ${path} HTTP/1.1`, 'Host: a', `Authorization: ${WITH_TOKEN.authorization}`, ...more, '');

describe('a replica to which more requests come than it can serve', () => {
  let pod: PodServer;
  const overloaded = async (): Promise<void> => {
    await edge.setUp();
    pod = await edge.podWith((_req, res) => res.end('served'));
    edge.harness.isOverloaded = true;
  };

  it('refuses with a word and when to come back, without asking the pod', async () => {
    await overloaded();
    const { status, headers, text } = await ask(edge.to('POST', { 'x-request-id': 'r-1' }, `${PROXY}x?secret`), 'body');
    expect([status, JSON.parse(text)]).toEqual([
      503,
      expect.objectContaining({ code: 'OVERLOADED', requestId: 'r-1', instance: `${PROXY}x`, retryAfterSeconds: 2 }),
    ]);
    expect(headers).toMatchObject({ 'retry-after': '2', 'x-request-id': 'r-1', 'cache-control': 'no-store' });
    expect([pod.requests, edge.harness.sessions.asked]).toEqual([[], []]);
  });

  it('counts what it refuses by route, and writes no line for it', async () => {
    await overloaded();
    await ask(edge.to('POST', {}, '/api/v1/session/a/execute'), '{}');
    await ask(edge.to('GET', {}, '/api/v1/sessions'));
    const text = await edge.harness.registry.metrics();
    for (const labels of ['route="execute",method="POST",code="503"', 'route="sessions",method="GET",code="503"']) {
      expect(text).toContain(`session_request_duration_seconds_count{${labels}} 1`);
    }
    expect(edge.harness.logger.lines).toEqual([]);
  });

  it('keeps the connection, and serves on it what comes afterwards', async () => {
    await overloaded();
    const refused = head('POST', PROXY, 'Content-Length: 6') + 'unread';
    const answers = rawRequest(edge.harness.url, [refused, head('GET', PROXY), head('GET', '/health/live')], {
      until: /api GET .health.live/,
    });
    expect(statuses(await answers)).toEqual([503, 503, 200]);
  });

  it.each([
    ['a large body', head('POST', PROXY, 'Content-Length: 70000')],
    ['a body without a length', head('POST', PROXY, 'Transfer-Encoding: chunked')],
  ])('closes it when %s would follow', async (_name, bytes) => {
    await overloaded();
    const { text, closed } = await rawRequest(edge.harness.url, bytes);
    expect(closed).toBe(true);
    expect(text).toMatch(/^HTTP.1.1 503 .*connection: close.*OVERLOADED/is);
  });

  it('still refuses what two servers could read differently for what it is', async () => {
    await overloaded();
    const { text, closed } = await rawRequest(edge.harness.url, head('GET', PROXY, 'Host: b'));
    expect([closed, text.slice(0, 12)]).toEqual([true, 'HTTP/1.1 400']);
  });

  it('opens no WebSocket', async () => {
    await overloaded();
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: a'];
    const { text } = await rawRequest(edge.harness.url, head('GET', PROXY, ...upgrade));
    expect(text).toMatch(/^HTTP.1.1 503 .*OVERLOADED/s);
  });

  it('says whether it is well', async () => {
    await overloaded();
    expect((await ask(edge.to('GET', {}, '/health/ready'))).status).toBe(200);
  });
});
