import { ApiHarness } from '../../../test/support/gateway/api-harness.js';
import { viewOf } from '../../../test/support/gateway/fake-sessions.js';
import { tokenFor, tokensIn } from '../../../test/support/gateway/tokens.js';
import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { LogLine } from '../../../test/support/recording-logger.js';

const token = tokenFor('ann', { iss: 'https://id.example' });
const admin = tokenFor('root', { scope: 'berth:admin' });
const path = '/api/v1/session/s-1';

let api: ApiHarness;
beforeEach(async () => {
  api = await new ApiHarness().start();
  api.sessions.has(viewOf('s-1'));
});
afterEach(async () => {
  expect(tokensIn(api.logger.text)).toEqual([]);
  await api.stop();
});

function audited(): LogLine[] {
  return api.logger.of('audit');
}

const actions = [
  ['PUT', path, 'session.open'],
  ['DELETE', path, 'session.end'],
  ['POST', `${path}/keepalive`, 'session.keepalive'],
  ['GET', `${path}/logs`, 'session.logs'],
  ['GET', `${path}/events`, 'session.events'],
] as const;

describe('each control action leaves one line', () => {
  it.each(actions)('%s %s: who, what, which, and that it went well', async (method, at, what) => {
    await api.call(method, at, { token });
    expect(audited()).toEqual([
      expect.objectContaining({
        level: 'info',
        who: 'https://id.example|ann',
        isAdmin: false,
        what,
        sessionId: 's-1',
        outcome: 'ok',
        requestId: 'request-1',
      }),
    ]);
  });

  it.each(actions)('%s %s: also when the lifecycle refuses it', async (method, at, what) => {
    api.sessions.failure = new LifecycleError('SESSION_TERMINATING', 'It was ended.');
    await api.call(method, at, { token });
    expect(audited()).toEqual([expect.objectContaining({ what, outcome: 'SESSION_TERMINATING', sessionId: 's-1' })]);
  });

  it.each(actions)('%s %s: also when nobody knows who asks', async (method, at, what) => {
    await api.call(method, at, { token: tokenFor('ann', {}, { key: 'x'.repeat(32) }) });
    const lines = audited();
    expect(lines).toEqual([expect.objectContaining({ what, outcome: 'UNAUTHENTICATED', sessionId: 's-1' })]);
    expect(lines[0]?.who).toBeUndefined();
  });

  it('also when the body is refused, and without the body', async () => {
    await api.call('PUT', path, { token, body: { env: { KEY: 7 }, secret: 'hunter2' } });
    expect(audited()).toEqual([expect.objectContaining({ what: 'session.open', outcome: 'INVALID_REQUEST' })]);
    expect(api.logger.text).not.toContain('hunter2');
  });

  it('also when it is of another generation', async () => {
    await api.call('DELETE', path, { token, headers: { 'if-session-generation': '1' } });
    expect(audited()).toEqual([expect.objectContaining({ what: 'session.end', outcome: 'GENERATION_MISMATCH' })]);
  });

  it('without an id that is not one', async () => {
    await api.call('DELETE', '/api/v1/session/a%0aevent%3a%20audit', { token });
    const lines = audited();
    expect(lines).toEqual([expect.objectContaining({ outcome: 'INVALID_SESSION_ID' })]);
    expect(lines[0]?.sessionId).toBeUndefined();
  });

  it('a mistake of ours is one with the outcome INTERNAL', async () => {
    api.sessions.failure = new TypeError('oops');
    await api.call('DELETE', path, { token });
    expect(audited()).toEqual([expect.objectContaining({ outcome: 'INTERNAL' })]);
  });

  it('says that an admin did it', async () => {
    await api.call('DELETE', path, { token: admin });
    expect(audited()).toEqual([expect.objectContaining({ who: 'root', isAdmin: true, outcome: 'ok' })]);
  });
});

describe('a list leaves a line', () => {
  it('when an admin looks at others', async () => {
    await api.call('GET', '/api/v1/sessions', { token: admin });
    await api.call('GET', '/api/v1/sessions?owner=ann', { token: admin });
    const line = expect.objectContaining({ who: 'root', what: 'sessions.list', outcome: 'ok' }) as object;
    expect(audited()).toEqual([line, line]);
  });

  it('when somebody tries to', async () => {
    await api.call('GET', '/api/v1/sessions?owner=bob', { token });
    expect(audited()).toEqual([expect.objectContaining({ what: 'sessions.list', outcome: 'FORBIDDEN' })]);
  });

  it('and none when they are one’s own', async () => {
    await api.call('GET', '/api/v1/sessions', { token });
    await api.call('GET', '/api/v1/sessions?owner=root', { token: admin });
    expect(audited()).toEqual([]);
  });
});

it('a status leaves none', async () => {
  await api.call('GET', `${path}/status`, { token });
  expect(audited()).toEqual([]);
});
