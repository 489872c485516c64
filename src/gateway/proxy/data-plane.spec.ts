import { eventually } from '../../../test/support/eventually.js';
import { EdgeHarness, WITH_TOKEN } from '../../../test/support/gateway/edge-harness.js';
import { ask, PodServer, readText } from '../../../test/support/gateway/pod-server.js';
import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';

/** Tells what it was asked. */
async function mirror(): Promise<PodServer> {
  return new PodServer((req, res) => {
    void readText(req).then((body) => {
      const { method, url, headers } = req;
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ method, url, headers, body }));
    });
  }).start();
}

describe('a request to a session', () => {
  let harness: EdgeHarness;
  let pod: PodServer;

  beforeEach(async () => {
    pod = await mirror();
    harness = await new EdgeHarness().start({ MAX_BODY_BYTES: 1_000 });
    harness.sessions.place('a', pod.address, 7);
  });

  afterEach(async () => {
    expect(harness.sessions.inUse).toBe(0);
    await harness.stop();
    await pod.stop();
  });

  const call = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    ask({ port: harness.port, method, path, headers: { ...WITH_TOKEN, ...headers } }, body);
  const seenBy = (text: string) => JSON.parse(text) as { method: string; url: string; body: string; headers: object };

  it('reaches the /execute of the pod and brings the answer back', async () => {
    const answer = await call('POST', '/api/v1/session/a/execute?x=1', {}, '{"data":1}');
    expect(answer.status).toBe(200);
    expect(seenBy(answer.text)).toMatchObject({ method: 'POST', url: '/execute?x=1', body: '{"data":1}' });
    expect(answer.headers).toMatchObject({
      'x-session-id': 'a',
      'x-session-generation': '7',
      'x-session-restarts': '0',
      'x-session-start': 'none',
      'server-timing': expect.stringMatching(/^hold;dur=[\d.]+, pod;dur=[\d.]+$/),
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'content-type': 'application/json',
    });
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'passes %s under /proxy as it came',
    async (method) => {
      const body = method === 'GET' || method === 'OPTIONS' ? undefined : 'body';
      const headers = { 'Content-Length': String(body?.length ?? 0) };
      const answer = await call(method, '/api/v1/session/a/proxy/..%2fx/../y;z//?q=%20&q', headers, body);
      expect(seenBy(answer.text)).toMatchObject({ method, url: '/..%2fx/../y;z//?q=%20&q', body: body ?? '' });
    },
  );

  it('takes any other path for the session named in a header, and does not let the pod see who is meant', async () => {
    const answer = await call('GET', '/any/thing?x', { 'X-Session-ID': 'a', 'X-User-ID': 'b' });
    const seen = seenBy(answer.text);
    expect(seen).toMatchObject({ url: '/any/thing?x', headers: { 'x-session-id': 'a', 'x-session-generation': '7' } });
    expect(seen.headers).not.toHaveProperty('x-user-id');
    expect(seen.headers).not.toHaveProperty('authorization');
  });

  it('keeps a sane request id of the client for itself, the pod and the answer', async () => {
    const kept = await call('GET', '/api/v1/session/a/proxy/', { 'X-Request-Id': 'My.id_1-2' });
    expect(kept.headers['x-request-id']).toBe('My.id_1-2');
    expect(seenBy(kept.text).headers).toMatchObject({ 'x-request-id': 'My.id_1-2' });
    const replaced = await call('GET', '/api/v1/session/a/proxy/', { 'X-Request-Id': 'no spaces' });
    expect(replaced.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is refused without a token before anything else is looked at', async () => {
    const answer = await ask({ port: harness.port, method: 'POST', path: '/api/v1/session/-illegal-/execute' });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('Bearer');
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'UNAUTHENTICATED',
      instance: '/api/v1/session/-illegal-/execute',
    });
    expect(harness.sessions.asked).toHaveLength(0);
  });

  it.each([
    ['/api/v1/session/-a/execute', {}, 'INVALID_SESSION_ID'],
    ['/api/v1/session/a%2Fb/execute', {}, 'INVALID_SESSION_ID'],
    ['/api/v1/session/%zz/execute', {}, 'INVALID_SESSION_ID'],
    ['/api/v1/session/a/execute', { 'If-Session-Generation': '1.5' }, 'INVALID_REQUEST'],
    ['/api/v1/session/a/execute', { Prefer: 'wait=soon' }, 'INVALID_REQUEST'],
    ['/x', { 'X-Session-ID': '../b' }, 'INVALID_SESSION_ID'],
    ['/x', { 'X-Session-ID': '' }, 'INVALID_SESSION_ID'],
  ])('%s with %j is 400 before a session is touched', async (path, headers, code) => {
    const answer = await call('POST', path, headers);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([400, expect.objectContaining({ code })]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(harness.sessions.asked).toHaveLength(0);
  });

  it('passes on what the sessions refuse, with what is known of the session', async () => {
    harness.sessions.gate = () => {
      throw new LifecycleError('CAPACITY_EXHAUSTED', 'All places are taken.', { retryAfterMs: 3_000, reason: 'Full' });
    };
    const answer = await call('POST', '/api/v1/session/a/execute', {}, '{}');
    expect(answer.status).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(3);
    expect(answer.headers['x-session-id']).toBe('a');
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'CAPACITY_EXHAUSTED', reason: 'Full' });
    expect(harness.logger.of('request.failed')).toEqual([
      expect.objectContaining({ level: 'warn', code: 'CAPACITY_EXHAUSTED', sessionId: 'a' }),
    ]);
  });

  it('says that a fault is ours without saying which, and logs it', async () => {
    harness.sessions.gate = () => {
      throw new TypeError('inner workings');
    };
    const answer = await call('POST', '/api/v1/session/a/execute', {}, '{}');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('inner workings');
    expect(harness.logger.of('request.failed')).toEqual([expect.objectContaining({ level: 'error' })]);
  });

  it('hands If-Session-Generation to the sessions', async () => {
    expect((await call('GET', '/api/v1/session/a/proxy/', { 'If-Session-Generation': '7' })).status).toBe(200);
    expect((await call('GET', '/api/v1/session/a/proxy/', { 'If-Session-Generation': '6' })).status).toBe(412);
  });

  it('answers 202 instead of waiting when the client asks for it, and executes nothing', async () => {
    const answer = await call('POST', '/api/v1/session/new/execute', { Prefer: 'respond-async, wait=2' }, '{}');
    expect(answer.status).toBe(202);
    expect(answer.headers).toMatchObject({
      location: '/api/v1/session/new/status',
      'retry-after': '1',
      'x-session-id': 'new',
    });
    expect(JSON.parse(answer.text)).toMatchObject({ id: 'new', state: 'creating' });
    expect(harness.sessions.asked[0]!.patienceMs).toBe(2_000);
    expect(pod.requests).toHaveLength(0);
  });

  it('does not take Prefer for its own under /proxy', async () => {
    const answer = await call('GET', '/api/v1/session/a/proxy/', { Prefer: 'respond-async' });
    expect(seenBy(answer.text).headers).toMatchObject({ prefer: 'respond-async' });
    expect(harness.sessions.asked[0]!.patienceMs).toBeUndefined();
  });

  it('stops waiting for a session when the client goes', async () => {
    const aborted = new Promise<void>((resolve) => {
      harness.sessions.gate = ({ signal }) =>
        new Promise((_go, refuse) => {
          signal.addEventListener('abort', () => {
            refuse(new LifecycleError('INVALID_REQUEST', 'The client went away.'));
            resolve();
          });
        });
    });
    const client = new AbortController();
    const headers = { ...WITH_TOKEN, 'X-Session-ID': 'a' };
    const asked = ask({ port: harness.port, path: '/x', headers, signal: client.signal });
    await eventually(() => expect(harness.sessions.asked).toHaveLength(1));
    client.abort();
    await expect(asked).rejects.toThrow();
    await aborted;
  });

  it('refuses a body that is announced as too large before the session is touched', async () => {
    const answer = await call('POST', '/api/v1/session/a/execute', {}, 'x'.repeat(1_001));
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      413,
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }),
    ]);
    expect(harness.sessions.asked).toHaveLength(0);
  });

  it('refuses a body that turns out too large, and the pod does not take what it got for complete', async () => {
    const answer = await call(
      'POST',
      '/api/v1/session/a/execute',
      { 'Transfer-Encoding': 'chunked' },
      'x'.repeat(5_000),
    );
    expect(answer.status).toBe(413);
    expect(pod.requests.every((request) => !request.complete)).toBe(true);
  });

  it('sends everything else to the API, with its request id', async () => {
    const answer = await call('GET', '/api/v1/session/a/execute');
    expect([answer.status, answer.text]).toEqual([200, 'api GET /api/v1/session/a/execute']);
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});
