import { connect } from 'node:net';

import { ApiHarness } from '../../../test/support/gateway/api-harness.js';
import { viewOf } from '../../../test/support/gateway/fake-sessions.js';
import { forgedToken, tokenFor, tokensIn } from '../../../test/support/gateway/tokens.js';
import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import { ROUTES } from '../routes.js';

const token = tokenFor('ann');
const admin = tokenFor('root', { scope: 'berth:admin' });
const path = '/api/v1/session/s-1';
const nowSeconds = Math.floor(Date.now() / 1_000);

let api: ApiHarness;
beforeAll(async () => (api = await new ApiHarness().start()));
beforeEach(() => {
  api.sessions.calls.length = 0;
  api.sessions.failure = undefined;
  api.logger.lines.length = 0;
  api.sessions.has(viewOf('s-1'));
});
afterEach(() => expect(tokensIn(api.logger.text)).toEqual([]));
afterAll(() => api.stop());

/** Refused, as a problem, before anything was asked of a session. */
async function expectRefused(answer: ReturnType<ApiHarness['call']>, status: number, code: string): Promise<void> {
  const { headers, json } = await answer;
  expect(json).toMatchObject({ status, code, requestId: 'request-1', type: `urn:berth:error:${code}` });
  expect(headers['content-type']).toBe('application/problem+json');
  expect(api.sessions.calls).toEqual([]);
}

const controlCalls = ROUTES.filter(({ served }) => served === 'control').flatMap((route) =>
  [route.methods].flat().map((method) => [method, route.path.replace('{id}', 's-1')] as const),
);

describe('without a good token', () => {
  it.each(controlCalls)('%s %s is 401', async (method, at) => {
    await expectRefused(api.call(method, at), 401, 'UNAUTHENTICATED');
  });

  it.each([
    ['an expired', tokenFor('ann', { exp: nowSeconds - 1 })],
    ['an endless', tokenFor('ann', { exp: undefined })],
    ['nobody’s', tokenFor(undefined)],
    ['a future', tokenFor('ann', { nbf: nowSeconds + 3_600 })],
    ['a forged', tokenFor('ann', {}, { key: 'another-secret-of-more-than-32-bytes!' })],
    ['an unsigned', forgedToken({ alg: 'none' }, { sub: 'ann', exp: nowSeconds + 60 })],
    ['a changed', `${token.slice(0, -4)}AAAA`],
    ['an overlong', 'a'.repeat(15_000)],
    ['a nonsensical', 'abc'],
  ])('%s token is 401 and says how to send one, not what was wrong', async (_, bad) => {
    const answer = api.call('DELETE', path, { token: bad });
    await expectRefused(answer, 401, 'UNAUTHENTICATED');
    expect((await answer).headers['www-authenticate']).toBe('Bearer realm="berth"');
    expect((await answer).text).not.toMatch(/expired|signature|algorithm/i);
  });

  it('401 comes before everything else', async () => {
    const body = 'x'.repeat(2_000_000);
    await expectRefused(api.call('PUT', '/api/v1/session/-illegal-', { body }), 401, 'UNAUTHENTICATED');
  });

  it('a token as a subprotocol is none where nothing is upgraded', async () => {
    const headers = { 'sec-websocket-protocol': `berth.bearer.${token}` };
    await expectRefused(api.call('GET', `${path}/status`, { headers }), 401, 'UNAUTHENTICATED');
  });
});

describe('an id that is not legal', () => {
  it.each([
    '-a',
    'a-',
    '.',
    '..',
    '~',
    'a%20b',
    'a%2Fb',
    '%2e%2e%2fetc',
    'a%00b',
    'a%0d%0aX-Evil:1',
    'a:b',
    'a@b',
    '%F0%9F%98%80',
    '%ZZ',
    '%',
    'a'.repeat(129),
    'session%3a1',
    '__proto__',
  ])('%s is 400 on every call', async (id) => {
    for (const [method, suffix] of [
      ['GET', '/status'],
      ['PUT', ''],
      ['DELETE', ''],
      ['POST', '/keepalive'],
      ['GET', '/logs'],
      ['GET', '/events'],
    ] as const)
      await expectRefused(api.call(method, `/api/v1/session/${id}${suffix}`, { token }), 400, 'INVALID_SESSION_ID');
  });

  it('is refused before the body is looked at', async () => {
    await expectRefused(api.call('PUT', '/api/v1/session/-a', { token, body: '{' }), 400, 'INVALID_SESSION_ID');
  });
});

describe('a body that is not understood', () => {
  it.each([
    ['broken JSON', '{"template":'],
    ['no JSON', 'template=gpu'],
    ['a list', '[]'],
    ['null', 'null'],
    ['text', '"gpu"'],
    ['an unknown field', '{"image":"evil"}'],
    ['a name that JavaScript keeps for itself', '{"constructor":{}}'],
    ['such a name further down', '{"env":{"__proto__":"x"}}'],
    ['an unknown field beside a known one', '{"template":"gpu","idleTimeout":5}'],
    ['a wrong type', '{"idleTimeoutSeconds":"60"}'],
    ['a number out of range', '{"idleTimeoutSeconds":0}'],
    ['an environment that is no map', '{"env":["A=b"]}'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['a hundred thousand brackets', '['.repeat(100_000)],
  ])('with %s is 400', async (_, body) => {
    await expectRefused(api.call('PUT', path, { token, body }), 400, 'INVALID_REQUEST');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json-seq', ''])(
    'of type %j is 400',
    async (type) => {
      const answer = api.call('PUT', path, { token, body: '{}', headers: { 'content-type': type } });
      await expectRefused(answer, 400, 'INVALID_REQUEST');
    },
  );

  it('that is compressed is 400', async () => {
    const answer = api.call('PUT', path, { token, body: '{}', headers: { 'content-encoding': 'gzip' } });
    await expectRefused(answer, 400, 'INVALID_REQUEST');
  });

  it.each([
    ['with its length', {}],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('of more than 1 MiB %s is 413', async (_, headers) => {
    const body = JSON.stringify({ template: 'x'.repeat(1_200_000) });
    await expectRefused(api.call('PUT', path, { token, body, headers }), 413, 'PAYLOAD_TOO_LARGE');
  });

  it('names the fields that are wrong, and repeats no secret of theirs', async () => {
    const body = { env: { API_KEY: ['hunter2'] }, idleTimeoutSeconds: 'hunter2', extra: 'hunter2' };
    const { text } = await api.call('PUT', path, { token, body });
    expect(text).toMatch(/env\.API_KEY.*idleTimeoutSeconds.*extra|extra/);
    expect(text).not.toContain('hunter2');
    expect((await api.call('PUT', path, { token, body: '{"a":hunter2' })).text).not.toContain('hunter2');
  });

  it('does not fill the answer', async () => {
    const body = JSON.stringify({ ['x'.repeat(500_000)]: 1 });
    expect((await api.call('PUT', path, { token, body })).text.length).toBeLessThan(2_000);
  });
});

it('a body that breaks off asks nothing of a session', async () => {
  const { port } = api.app.getHttpServer().address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const head = `PUT ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 100\r\n\r\n{`;
  await new Promise((resolve) => socket.write(head, resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
  await api.call('GET', '/health/live');
  expect(api.sessions.calls).toEqual([]);
});

describe('a query that is not understood', () => {
  it.each([
    '/api/v1/sessions?limit=0',
    '/api/v1/sessions?limit=x',
    '/api/v1/sessions?limit=1&limit=2',
    '/api/v1/sessions?state=gone',
    '/api/v1/sessions?ownr=bob',
    `${path}/logs?follow=yes`,
    `${path}/logs?tail=-1`,
  ])('%s is 400', async (at) => {
    await expectRefused(api.call('GET', at, { token }), 400, 'INVALID_REQUEST');
  });
});

describe('what there is not', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/api/v1/session'],
    ['GET', '/api/v1/session/s-1/other'],
    ['POST', '/api/v2/sessions'],
    ['GET', '/API/v1/sessions'],
    ['GET', `${path}/status/`],
    ['GET', '/metrics'],
  ])('%s %s is 404', async (method, at) => {
    await expectRefused(api.call(method, at, { token }), 404, 'ROUTE_NOT_FOUND');
  });

  it.each([
    ['GET', `${path}/execute`, 'POST'],
    ['POST', `${path}/status`, 'GET, HEAD'],
    ['GET', path, 'PUT, DELETE'],
    ['PATCH', path, 'PUT, DELETE'],
    ['DELETE', '/api/v1/sessions', 'GET, HEAD'],
    ['POST', '/health', 'GET, HEAD'],
    ['OPTIONS', `${path}/status`, 'GET, HEAD'],
  ])('%s %s is 405 and says what to use', async (method, at, allow) => {
    await expectRefused(api.call(method, at, { token }), 405, 'METHOD_NOT_ALLOWED');
    expect((await api.call(method, at, { token })).headers.allow).toBe(allow);
  });

  it('is told by the path alone, without its query', async () => {
    const { text, json } = await api.call('GET', '/nowhere?token=hunter2', { token });
    expect(json.instance).toBe('/nowhere');
    expect(text).not.toContain('hunter2');
  });
});

describe('what the lifecycle refuses', () => {
  it('keeps its code, its reason and the time to wait', async () => {
    const facts = { reason: 'ImagePullBackOff', retryAfterMs: 10_000 };
    api.sessions.failure = new LifecycleError('SESSION_START_FAILED', 'The image is not there.', facts);
    const { status, headers, json } = await api.call('PUT', path, { token });
    expect(status).toBe(503);
    expect(json).toMatchObject({ code: 'SESSION_START_FAILED', reason: 'ImagePullBackOff' });
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(10);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(15);
  });

  it('is one problem, whatever it is: a mistake is 500, logged once with its stack and told to nobody', async () => {
    api.sessions.failure = new TypeError('a secret of the inside');
    const { status, text, json } = await api.call('GET', `${path}/status`, { token });
    expect([status, json.code]).toEqual([500, 'INTERNAL']);
    expect(text).not.toContain('a secret');
    const [line, ...more] = api.logger.of('request.failed');
    expect(more).toEqual([]);
    expect(line).toMatchObject({ level: 'error', requestId: 'request-1', error: api.sessions.failure });
  });
});

describe('beside the API', () => {
  it('a health check that fails answers in its own form', async () => {
    const { status, json } = await api.call('GET', '/health');
    expect([status, json]).toEqual([503, { status: 'error', error: { store: { status: 'down' } } }]);
  });

  it('a mistake of another controller is a problem too', async () => {
    expect(await api.call('POST', '/broken')).toMatchObject({ status: 500, json: { code: 'INTERNAL' } });
  });

  it('the documentation needs no token', async () => {
    expect(await api.call('GET', '/docs')).toMatchObject({ status: 200 });
    expect(await api.call('GET', '/docs-json')).toMatchObject({ status: 200, json: { info: { title: 'Berth' } } });
  });
});

describe('RATE_LIMIT_PER_OWNER', () => {
  let limited: ApiHarness;
  beforeAll(async () => (limited = await new ApiHarness().start({ RATE_LIMIT_PER_OWNER: '2' })));
  afterAll(() => limited.stop());

  it('holds for control calls, of each owner alone', async () => {
    for (let i = 0; i < 2; i++) await limited.call('GET', '/api/v1/sessions', { token });
    const refused = await limited.call('GET', '/api/v1/sessions', { token });
    expect(refused).toMatchObject({ status: 429, json: { code: 'RATE_LIMITED' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(await limited.call('GET', '/api/v1/sessions', { token: admin })).toMatchObject({ status: 200 });
  });
});
