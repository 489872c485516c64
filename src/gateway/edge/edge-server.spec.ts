import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';

import { eventually } from '../../../test/support/eventually.js';
import { WITH_TOKEN } from '../../../test/support/gateway/edge-harness.js';
import { EdgeWithPods, PROXY } from '../../../test/support/gateway/edge-with-pods.js';
import { ask, open, readText } from '../../../test/support/gateway/pod-server.js';
import { rawRequest } from '../../../test/support/raw-request.js';

const edge = new EdgeWithPods();
afterEach(() => edge.tearDown());

const PLAIN = `GET ${PROXY} HTTP/1.1\r\nHost: a\r\nAuthorization: ${WITH_TOKEN.authorization}\r\n\r\n`;

describe('every request', () => {
  it('is written down once, with what it was and never with what it carried', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => res.writeHead(201).end('secret answer'));
    await ask(edge.to('POST', { 'x-request-id': 'r-1' }, `${PROXY}x?key=secret`), 'secret body');
    await ask(edge.to('GET', {}, '/api/v1/session/b/status?q=secret'));
    await ask({ ...edge.to('GET'), headers: {} });
    const written = edge.harness.logger.of('http');
    expect(written).toEqual([
      expect.objectContaining({
        method: 'POST',
        path: `${PROXY}x`,
        status: 201,
        sessionId: 'a',
        requestId: 'r-1',
        level: 'info',
      }),
      expect.objectContaining({ method: 'GET', path: '/api/v1/session/b/status', status: 200, sessionId: 'b' }),
      expect.objectContaining({ status: 401, code: 'UNAUTHENTICATED' }),
    ]);
    expect(written.every(({ ms }) => typeof ms === 'number' && ms >= 0)).toBe(true);
    expect(edge.harness.logger.text).not.toContain('secret');
  });

  it('is measured by route, method and status', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => res.end());
    await ask(edge.to('POST', {}, '/api/v1/session/a/execute'));
    await ask(edge.to('PROPFIND'));
    await ask(edge.to('GET', { 'X-Session-ID': 'a' }, '/x'));
    await ask(edge.to('GET', {}, '/api/v1/sessions'));
    const text = await edge.harness.registry.metrics();
    for (const labels of [
      'route="execute",method="POST",code="200"',
      'route="proxy",method="OTHER",code="200"',
      'route="transparent",method="GET",code="200"',
      'route="sessions",method="GET",code="200"',
    ]) {
      expect(text).toContain(`session_request_duration_seconds_count{${labels}} 1`);
    }
  });

  it('counts as 499 when its client leaves first', async () => {
    await edge.setUp();
    const pod = await edge.podWith(() => undefined);
    const client = new AbortController();
    const asked = open({ ...edge.to(), signal: client.signal });
    await eventually(() => expect(pod.requests).toHaveLength(1));
    client.abort();
    await expect(asked).rejects.toThrow();
    await eventually(() => expect(edge.harness.logger.of('http')).toEqual([expect.objectContaining({ status: 499 })]));
    expect(await edge.harness.registry.metrics()).toContain('session_proxy_errors_total{kind="client_gone"} 1');
  });

  it('is marked when its answer broke off', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => void res.write('half', () => res.socket!.destroy()));
    await expect(ask(edge.to())).rejects.toThrow();
    await eventually(() =>
      expect(edge.harness.logger.of('http')).toEqual([expect.objectContaining({ status: 200, broken: true })]),
    );
    expect(await edge.harness.registry.metrics()).toContain('session_proxy_errors_total{kind="broken"} 1');
  });

  it('shows in the levels while it is under way', async () => {
    await edge.setUp();
    const answers: ServerResponse[] = [];
    await edge.podWith((req, res) => void (req.url === '/stream' && res.write('begin'), answers.push(res)));
    const level = async (kind: string) =>
      new RegExp(`session_requests_in_flight{kind="${kind}"} (\\d+)`).exec(await edge.harness.registry.metrics())?.[1];
    const waiting = ask(edge.to());
    const streaming = await open(edge.to('GET', {}, `${PROXY}stream`));
    await eventually(async () => expect([await level('request'), await level('stream')]).toEqual(['1', '1']));
    for (const answer of answers) answer.end();
    await Promise.all([waiting, readText(streaming)]);
    await eventually(async () => expect([await level('request'), await level('stream')]).toEqual(['0', '0']));
  });
});

describe('CORS', () => {
  const origin = 'https://app.example';

  it('answers preflights of the origins that may call, without a token', async () => {
    await edge.setUp({ CORS_ORIGINS: [origin] });
    const asked = {
      Origin: origin,
      'Access-Control-Request-Method': 'PUT',
      'Access-Control-Request-Headers': 'X-Session-ID',
    };
    const answer = await ask({ ...edge.to('OPTIONS'), headers: asked });
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'X-Session-ID',
      'access-control-allow-methods': expect.stringContaining('PUT'),
    });
    const other = await ask({ ...edge.to('OPTIONS'), headers: { ...asked, Origin: 'https://evil.example' } });
    expect(other.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('lets those origins read answers and refusals, whatever the pod says', async () => {
    await edge.setUp({ CORS_ORIGINS: [origin] });
    await edge.podWith((_req, res) => res.writeHead(200, { 'access-control-allow-origin': '*', vary: 'Accept' }).end());
    const answer = await ask(edge.to('GET', { origin }));
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin, Accept' });
    expect(answer.headers['access-control-expose-headers']).toContain('X-Session-Generation');
    const refusal = await ask({ ...edge.to(), headers: { origin } });
    expect([refusal.status, refusal.headers['access-control-allow-origin']]).toEqual([401, origin]);
    expect((await ask(edge.to('GET', { origin: 'https://evil.example' }))).headers).not.toHaveProperty(
      'access-control-allow-origin',
    );
  });

  it('leaves an OPTIONS that is no preflight to the pod', async () => {
    await edge.setUp({ CORS_ORIGINS: ['*'] });
    await edge.podWith((req, res) => res.end(req.method));
    expect((await ask(edge.to('OPTIONS', { origin }))).text).toBe('OPTIONS');
  });

  it('is the pod’s alone when no origins are set', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => res.writeHead(200, { 'access-control-allow-origin': '*' }).end());
    expect((await ask(edge.to('GET', { origin }))).headers['access-control-allow-origin']).toBe('*');
  });
});

describe('the stop of a replica', () => {
  it('finishes what is open and takes nothing new', async () => {
    await edge.setUp();
    let answer: ServerResponse | undefined;
    await edge.podWith((_req, res) => (answer = res));
    const asked = ask(edge.to());
    await eventually(() => expect(answer).toBeDefined());
    const drained = edge.harness.edge.drain(5_000);
    await expect(ask(edge.to())).rejects.toThrow('ECONNREFUSED');
    answer!.end('finished');
    expect((await asked).text).toBe('finished');
    expect(await drained).toEqual({ inFlight: 1, cut: 0 });
  });

  it('goes on serving until it is asked to drain, but keeps no connection', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => res.end('served'));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = await ask({ ...edge.to(), agent });
    edge.harness.edge.stopKeepingAlive();
    const after = await ask({ ...edge.to(), agent });
    expect([before.headers.connection, after.headers.connection]).toEqual(['keep-alive', 'close']);
    expect((await ask(edge.to())).text).toBe('served');
    agent.destroy();
  });

  it('serves connections that were kept once more, and closes them when nothing is open any more', async () => {
    await edge.setUp();
    let answer: ServerResponse | undefined;
    await edge.podWith((req, res) => void (req.url === '/quick' ? res.end('quick') : (answer = res).write('begin')));
    const agent = new Agent({ keepAlive: true });
    const quick = { ...edge.to('GET', {}, `${PROXY}quick`), agent };
    expect((await ask(quick)).headers.connection).toBe('keep-alive');
    const idle = rawRequest(edge.harness.url, PLAIN.replace(PROXY, '/api/v1/sessions'));
    const streaming = await open(edge.to());
    const drained = edge.harness.edge.drain(5_000);
    expect(await ask(quick)).toMatchObject({ text: 'quick', headers: { connection: 'close' } });
    answer!.end('end');
    expect(await readText(streaming)).toBe('beginend');
    expect(await drained).toEqual({ inFlight: 1, cut: 0 });
    expect((await idle).closed).toBe(true);
    agent.destroy();
  });

  it('serves a request that was on its way when the listener closed', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => res.end('served'));
    const socket = connect(edge.harness.port, '127.0.0.1');
    socket.write(PLAIN.slice(0, 20));
    await once(socket, 'connect');
    await ask(edge.to()); // by now the first connection was accepted too
    const drained = edge.harness.edge.drain(5_000);
    socket.write(PLAIN.slice(20));
    const text = await readText(socket);
    expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*Connection: close[\s\S]*served/);
    await drained;
  });

  it('cuts what is left at the deadline, and says how much', async () => {
    await edge.setUp();
    await edge.podWith((req, res) => void (req.url === '/stream' && res.write('begin')));
    const cut = [ask(edge.to()), ask(edge.to('GET', {}, `${PROXY}stream`))].map((asked) =>
      expect(asked).rejects.toThrow(),
    );
    await eventually(() => expect(edge.harness.sessions.admitted).toBe(2));
    expect(await edge.harness.edge.drain(50)).toEqual({ inFlight: 2, cut: 2 });
    await Promise.all(cut);
    await edge.released();
  });

  it('tells those who would go on', async () => {
    await edge.setUp();
    let told = 0;
    edge.harness.edge.onDrain(() => (told += 1));
    await edge.harness.edge.drain(0);
    expect(told).toBe(1);
  });
});

// A client sent a request on a connection that had been idle for long, at the moment at which a replica stopped and
// closed it. Clients were told to expect a minute and a quarter of patience, which no stop has.
it('tells clients to leave connections that are idle for longer than a stop takes, and is itself more patient', async () => {
  await edge.setUp();
  const agent = new Agent({ keepAlive: true, timeout: 60_000 });
  const answer = await ask({ ...edge.to('GET', {}, '/api/v1/sessions'), agent });
  expect(answer.headers['keep-alive']).toBe('timeout=5');
  agent.destroy();
  const { keepAliveTimeout, keepAliveTimeoutBuffer } = edge.harness.edge['server'];
  expect(keepAliveTimeout + keepAliveTimeoutBuffer).toBe(75_000);
});

it('ends an upload to the API that stops coming', async () => {
  await edge.setUp({ PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0.1 });
  const head = 'PUT /api/v1/session/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin';
  expect((await rawRequest(edge.harness.url, head)).closed).toBe(true);
});

it('does not take a plain answer for a kept promise: a pod’s own Connection header stays behind', async () => {
  await edge.setUp();
  await edge.podWith((_req, res) => res.writeHead(200, { connection: 'close' }).end());
  const [response] = (await once(
    request({ ...edge.to(), agent: new Agent({ keepAlive: true }) }).end(),
    'response',
  )) as [IncomingMessage];
  expect(response.headers.connection).toBe('keep-alive');
  response.resume();
});
