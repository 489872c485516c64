import type { Socket } from 'node:net';

import { eventually } from '../../../../test/support/eventually.js';
import { WITH_TOKEN } from '../../../../test/support/gateway/edge-harness.js';
import { EdgeWithPods, nobody, PROXY } from '../../../../test/support/gateway/edge-with-pods.js';
import { echo, upgradeText, webSocketPod } from '../../../../test/support/gateway/websocket-pod.js';
import { rawRequest } from '../../../../test/support/raw-request.js';

const edge = new EdgeWithPods();
afterEach(() => edge.tearDown());

describe('a WebSocket that does not come about', () => {
  const code = (text: string) => /"code":"(\w+)"/.exec(text)?.[1];
  const authorized = `Authorization: ${WITH_TOKEN.authorization}`;

  it.each([
    [PROXY, [], 401, 'UNAUTHENTICATED'],
    [PROXY, ['Sec-WebSocket-Protocol: berth.bearer.wrong'], 401, 'UNAUTHENTICATED'],
    ['/api/v1/session/-a/proxy/', [authorized], 400, 'INVALID_SESSION_ID'],
    ['/api/v1/session/b/proxy/', [authorized], 404, 'SESSION_NOT_FOUND'],
    [PROXY, [authorized, 'If-Session-Generation: 5'], 412, 'GENERATION_MISMATCH'],
    ['/nowhere', [authorized], 404, 'ROUTE_NOT_FOUND'],
    ['/api/v1/sessions', [authorized], 404, 'ROUTE_NOT_FOUND'],
    ['/api/v1/session/a/execute', [authorized], 405, 'METHOD_NOT_ALLOWED'],
    [PROXY, [authorized, 'Content-Length: 4'], 400, 'INVALID_REQUEST'],
    [PROXY, [authorized, 'Host: b'], 400, 'INVALID_REQUEST'],
  ])('%s with %j is answered with %i %s', async (path, headers, status, expected) => {
    await edge.setUp();
    await webSocketPod(edge, echo);
    const answer = await rawRequest(edge.harness.url, upgradeText(path, ...headers));
    expect(answer.closed).toBe(true);
    expect(answer.text).toContain('Content-Type: application/problem+json'.toLowerCase());
    expect([answer.text.slice(0, 12), code(answer.text)]).toEqual([`HTTP/1.1 ${status}`, expected]);
  });

  it('is POD_UNREACHABLE when nobody listens', async () => {
    await edge.setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 0.02 });
    edge.harness.sessions.place('a', await nobody());
    const answer = await rawRequest(edge.harness.url, upgradeText(PROXY, authorized));
    expect(code(answer.text)).toBe('POD_UNREACHABLE');
  });

  it('is POD_LOST when the pod dies before it answers', async () => {
    await edge.setUp();
    const pod = await edge.podWith(() => undefined);
    pod.server.on('upgrade', (_req, socket: Socket) => socket.destroy());
    const answer = await rawRequest(edge.harness.url, upgradeText(PROXY, authorized));
    expect(answer.closed).toBe(true);
    expect(code(answer.text)).toBe('POD_LOST');
  });

  it('is POD_LOST when the pod does not answer in time', async () => {
    await edge.setUp({ PROXY_FIRST_BYTE_TIMEOUT_SECONDS: 0.1 });
    const pod = await edge.podWith(() => undefined);
    pod.server.on('upgrade', (_req, socket: Socket) => void socket.on('error', () => undefined));
    const answer = await rawRequest(edge.harness.url, upgradeText(PROXY, authorized));
    expect(code(answer.text)).toBe('POD_LOST');
  });

  it.each([
    ['with a length', 'Content-Length: 4\r\n\r\nnope'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n'],
  ])('passes on what the pod says instead, %s, and leaves nothing open', async (_name, rest) => {
    await edge.setUp();
    const pod = await edge.podWith(() => undefined);
    pod.server.on('upgrade', (_req, socket: Socket) => {
      socket
        .on('error', () => undefined)
        .end(`HTTP/1.1 403 Forbidden\r\nX-Session-Id: forged\r\nX-Why: because\r\n${rest}`);
    });
    const answer = await rawRequest(edge.harness.url, upgradeText(PROXY, authorized));
    expect(answer.closed).toBe(true);
    expect(answer.text).toMatch(/^HTTP\/1\.1 403 [\s\S]*x-why: because[\s\S]*nope/);
    expect(answer.text).toMatch(/x-session-id: a\r\n/i);
    expect(answer.text).not.toContain('forged');
    await eventually(() => expect(pod.sockets.size).toBe(0));
    await edge.released();
    expect(edge.harness.logger.of('http')[0]).toMatchObject({ status: 403 });
  });

  it('is an ordinary request when it asks for another protocol', async () => {
    await edge.setUp();
    const pod = await edge.podWith((_req, res) => res.end('plain'));
    const request = `GET ${PROXY} HTTP/1.1\r\nHost: a\r\n${authorized}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n`;
    expect((await rawRequest(edge.harness.url, request, { until: /plain/ })).text).toMatch(/^HTTP\/1\.1 200 /);
    expect(pod.requests[0]!.headers).not.toHaveProperty('upgrade');
    expect(pod.requests[0]!.headers).not.toHaveProperty('http2-settings');
  });
});
