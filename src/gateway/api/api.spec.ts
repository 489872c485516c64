import { eventually } from '../../../test/support/eventually.js';
import { ApiHarness } from '../../../test/support/gateway/api-harness.js';
import { chunks, chunksUntil, viewOf } from '../../../test/support/gateway/fake-sessions.js';
import { tokenFor } from '../../../test/support/gateway/tokens.js';
import { RuntimeUnavailable } from '../../lifecycle/lifecycle.errors.js';
import type { SessionEvent } from '../../lifecycle/sessions.js';
import { ControlStreams } from './control-streams.js';

const caller = { owner: 'ann', isAdmin: false, scopes: [] };
const token = tokenFor('ann');
const admin = tokenFor('root', { scope: 'berth:admin' });
const path = '/api/v1/session/s-1';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let api: ApiHarness;
beforeEach(async () => (api = await new ApiHarness().start()));
afterEach(() => api.stop());

const ofSession = { 'x-session-id': 's-1', 'x-session-generation': '2', 'x-session-restarts': '1' };

describe('GET status', () => {
  it('shows the session', async () => {
    api.sessions.has(viewOf('s-1'));
    const answer = await api.call('GET', `${path}/status`, { token });
    expect(answer).toMatchObject({ status: 200, json: { id: 's-1', state: 'ready', generation: 2 } });
    expect(answer.headers).toMatchObject({ ...ofSession, 'cache-control': 'no-store' });
    expect(answer.json).not.toHaveProperty('pod.address');
    expect(api.sessions.calls).toEqual([{ call: 'status', id: 's-1', caller }]);
  });

  it('shows the address of the pod to an admin', async () => {
    api.sessions.has(viewOf('s-1'));
    const { json } = await api.call('GET', `${path}/status`, { token: admin });
    expect(json).toMatchObject({ pod: { address: '127.0.0.1:4711' } });
  });

  it('is a whole answer each time, also for one who has the last', async () => {
    api.sessions.has(viewOf('s-1'));
    const { headers } = await api.call('GET', `${path}/status`, { token });
    expect(headers).not.toHaveProperty('etag');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(await api.call('GET', `${path}/status`, { token, headers: { 'if-none-match': '"x"' } })).toMatchObject({
      status: 200,
    });
  });

  it('is 404 for a session that there is not', async () => {
    expect(await api.call('GET', `${path}/status`, { token })).toMatchObject({
      status: 404,
      json: { code: 'SESSION_NOT_FOUND', instance: `${path}/status`, requestId: 'request-1' },
    });
  });
});

describe('PUT', () => {
  it('opens: 201 and where to look', async () => {
    const body = { template: 'gpu', idleTimeoutSeconds: 60, maxLifetimeSeconds: 0, env: { A: 'b' } };
    const answer = await api.call('PUT', path, { token, body });
    expect(answer).toMatchObject({ status: 201, json: { id: 's-1', state: 'creating' } });
    expect(answer.headers).toMatchObject({ location: `${path}/status`, 'x-session-generation': '1' });
    const asked = { template: 'gpu', idleTimeoutMs: 60_000, maxLifetimeMs: 0, env: { A: 'b' } };
    expect(api.sessions.calls).toEqual([{ call: 'open', id: 's-1', caller, asked }]);
  });

  it('is 200 where it was open', async () => {
    api.sessions.has(viewOf('s-1'));
    const answer = await api.call('PUT', path, { token, body: {} });
    expect(answer).toMatchObject({ status: 200, json: { state: 'ready' } });
    expect(answer.headers).toMatchObject({ ...ofSession, location: `${path}/status` });
  });

  it('needs no body', async () => {
    expect(await api.call('PUT', path, { token })).toMatchObject({ status: 201 });
    expect(api.sessions.calls).toEqual([{ call: 'open', id: 's-1', caller, asked: {} }]);
  });
});

describe('DELETE', () => {
  it('ends: 204 and nothing else', async () => {
    api.sessions.has(viewOf('s-1'));
    const answer = await api.call('DELETE', path, { token });
    expect(answer).toMatchObject({ status: 204, text: '', headers: { 'x-session-id': 's-1' } });
    expect(api.sessions.calls).toEqual([{ call: 'end', id: 's-1', caller }]);
  });
});

describe('POST keepalive', () => {
  it('touches and shows the session', async () => {
    api.sessions.has(viewOf('s-1'));
    const answer = await api.call('POST', `${path}/keepalive`, { token });
    expect(answer).toMatchObject({ status: 200, json: { id: 's-1' }, headers: ofSession });
    expect(api.sessions.calls).toEqual([{ call: 'keepalive', id: 's-1', caller }]);
  });
});

describe('GET logs', () => {
  beforeEach(() => api.sessions.has(viewOf('s-1')));

  it('sends what there is', async () => {
    api.sessions.logsOf = () => chunks(bytes('one\n'), bytes('zwö'), bytes('lf\n'));
    const answer = await api.call('GET', `${path}/logs?tail=3`, { token });
    expect(answer).toMatchObject({ status: 200, text: 'one\nzwölf\n', headers: ofSession });
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(api.sessions.calls.at(-1)).toEqual({
      call: 'logs',
      id: 's-1',
      caller,
      options: { follow: false, tailLines: 3 },
    });
  });

  it('follows until the client goes', async () => {
    let stopped: AbortSignal | undefined;
    api.sessions.logsOf = (signal) => chunksUntil((stopped = signal), bytes('one\n'));
    const response = await api.open('GET', `${path}/logs?follow=1`, { token });
    await new Promise((resolve) => response.once('data', resolve));
    expect(stopped?.aborted).toBe(false);
    response.destroy();
    await eventually(() => expect(stopped?.aborted).toBe(true));
  });

  it('shows that it is open before there is a line', async () => {
    api.sessions.logsOf = (signal) => chunksUntil(signal);
    const response = await api.open('GET', `${path}/logs?follow=1`, { token });
    expect(response.statusCode).toBe(200);
    response.destroy();
  });

  it('reads no more than the client takes', async () => {
    let read = 0;
    const block = Buffer.alloc(64 * 1_024);
    api.sessions.logsOf = async function* (signal) {
      for (; !signal.aborted && read < 100_000; read++) yield await Promise.resolve(block);
    };
    const response = await api.open('GET', `${path}/logs`, { token });
    let before = -1;
    await eventually(() => {
      const isStanding = read === before;
      before = read;
      expect(isStanding && read > 0).toBe(true);
    });
    expect(read).toBeLessThan(10_000);
    response.destroy();
  });

  it('is refused when reading cannot begin', async () => {
    // eslint-disable-next-line require-yield -- it comes to nothing
    api.sessions.logsOf = async function* () {
      throw await Promise.resolve(new RuntimeUnavailable('no answer'));
    };
    const answer = await api.call('GET', `${path}/logs`, { token });
    expect(answer).toMatchObject({ status: 503, text: expect.stringContaining('DEPENDENCY_UNAVAILABLE') });
  });

  it('breaks off visibly when reading fails, and says so in the log', async () => {
    api.sessions.logsOf = async function* () {
      yield await Promise.resolve(bytes('one\n'));
      throw new Error('the file went away');
    };
    await expect(api.call('GET', `${path}/logs`, { token })).rejects.toThrow();
    expect(api.logger.of('stream.broken')).toHaveLength(1);
  });

  it('is a head without a body for HEAD, also when it is to follow', async () => {
    api.sessions.logsOf = (signal) => chunksUntil(signal, bytes('one\n'));
    expect(await api.call('HEAD', `${path}/logs?follow=1`, { token })).toMatchObject({ status: 200, text: '' });
  });
});

describe('GET events', () => {
  const ready: SessionEvent = { event: 'ready', session: viewOf('s-1') };

  beforeEach(() => api.sessions.has(viewOf('s-1')));

  it('sends each as it happens and ends when there are no more', async () => {
    const ended: SessionEvent = { event: 'ended', session: viewOf('s-1', { state: 'ended' }) };
    api.sessions.eventsOf = () => chunks(ready, ended);
    const answer = await api.call('GET', `${path}/events`, { token });
    expect(answer).toMatchObject({ status: 200, headers: ofSession });
    expect(answer.headers['content-type']).toMatch(/^text\/event-stream\b/);
    expect(answer.text).toMatch(/^event: ready\ndata: \{.*\}\n\nevent: ended\ndata: \{.*\}\n\n$/);
    expect(answer.text).not.toContain('4711');
  });

  it('sends a comment while nothing happens, and stops when the client goes', async () => {
    let stopped: AbortSignal | undefined;
    api.sessions.eventsOf = (signal) => chunksUntil((stopped = signal), ready);
    const response = (await api.open('GET', `${path}/events`, { token })).setEncoding('utf8');
    let received = '';
    response.on('data', (text: string) => (received += text));
    await eventually(() => expect(received).toContain('event: ready'));
    await eventually(() => expect(api.clock.pendingTimers).toBe(1));
    await api.clock.advance(15_000);
    await eventually(() => expect(received).toMatch(/\n: .*\n\n$/));
    response.destroy();
    await eventually(() => expect(stopped?.aborted).toBe(true));
    await eventually(() => expect(api.clock.pendingTimers).toBe(0));
  });

  it('ends whole when the replica stops', async () => {
    api.sessions.eventsOf = (signal) => chunksUntil(signal, ready);
    const answer = api.call('GET', `${path}/events`, { token });
    await eventually(() => expect(api.sessions.calls.at(-1)?.call).toBe('events'));
    api.app.get(ControlStreams).endAll();
    expect((await answer).text).toMatch(/^event: ready\n/);
  });
});

describe('GET sessions', () => {
  it('lists one’s own, page by page', async () => {
    api.sessions.page = { sessions: [viewOf('a'), viewOf('b')], next: 'c' };
    const query = 'limit=2&cursor=x&state=healing&template=gpu';
    const answer = await api.call('GET', `/api/v1/sessions?${query}`, { token });
    expect(answer).toMatchObject({ status: 200, json: { sessions: [{ id: 'a' }, { id: 'b' }], next: 'c' } });
    const asked = { limit: 2, cursor: 'x', state: 'healing', template: 'gpu', owner: 'ann' };
    expect(api.sessions.calls).toEqual([{ call: 'list', caller, query: asked }]);
  });

  it('lists everybody’s to an admin, or those of the one that is named', async () => {
    await api.call('GET', '/api/v1/sessions', { token: admin });
    await api.call('GET', '/api/v1/sessions?owner=ann', { token: admin });
    expect(api.sessions.calls.map(({ query }) => query)).toEqual([
      { limit: 100, owner: undefined },
      { limit: 100, owner: 'ann' },
    ]);
  });

  it('lists another’s to nobody else', async () => {
    expect(await api.call('GET', '/api/v1/sessions?owner=bob', { token })).toMatchObject({
      status: 403,
      json: { code: 'FORBIDDEN' },
    });
    expect(await api.call('GET', '/api/v1/sessions?owner=ann', { token })).toMatchObject({ status: 200 });
  });
});

describe('If-Session-Generation', () => {
  beforeEach(() => api.sessions.has(viewOf('s-1')));

  it('lets a call on that generation through', async () => {
    const headers = { 'if-session-generation': '2' };
    expect(await api.call('DELETE', path, { token, headers })).toMatchObject({ status: 204 });
  });

  it.each([
    ['DELETE', path],
    ['PUT', path],
    ['POST', `${path}/keepalive`],
    ['GET', `${path}/logs`],
  ])('keeps %s %s from another', async (method, at) => {
    const answer = await api.call(method, at, { token, headers: { 'if-session-generation': '1' } });
    expect(answer).toMatchObject({ status: 412, json: { code: 'GENERATION_MISMATCH' } });
    expect(api.sessions.calls.map(({ call }) => call)).toEqual(['status']);
  });

  it('is not met by a session that there is not', async () => {
    const headers = { 'if-session-generation': '1' };
    expect(await api.call('PUT', '/api/v1/session/s-2', { token, headers })).toMatchObject({ status: 412 });
  });

  it.each(['0', '-1', 'x', '1.0', '"2"', '1, 2', '9'.repeat(30)])('is not %s', async (generation) => {
    const headers = { 'if-session-generation': generation };
    expect(await api.call('DELETE', path, { token, headers })).toMatchObject({
      status: 400,
      json: { code: 'INVALID_REQUEST' },
    });
  });
});
