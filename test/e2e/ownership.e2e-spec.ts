import { executed, expectProblem, proxied } from '../support/answers.js';
import type { Answer, CallOptions } from '../support/berth-client.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { nextMessage } from '../support/streams.js';
import { writeTemplates } from '../support/templates-file.js';

const root = { subject: 'root', scope: 'other:thing berth:admin' };

describe('a session belongs to who opened it', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates(), TOMBSTONE_SECONDS: '3' });
    await berth.execute('hers', { mine: true });
    await berth.put('demo', { template: 'demo' });
  });

  describe('and to others, whatever they ask, it does not exist:', () => {
    const session = '/api/v1/session/hers';
    const calls: [string, string, string, CallOptions][] = [
      ['execute', 'POST', `${session}/execute`, { body: { data: 1 } }],
      ['execute of a generation', 'POST', `${session}/execute`, { headers: { 'if-session-generation': '7' } }],
      ['status', 'GET', `${session}/status`, {}],
      ['opening', 'PUT', session, { body: {} }],
      ['opening as something else', 'PUT', session, { body: { template: 'demo' } }],
      ['ending', 'DELETE', session, {}],
      ['keepalive', 'POST', `${session}/keepalive`, {}],
      ['logs', 'GET', `${session}/logs`, {}],
      ['events', 'GET', `${session}/events`, {}],
      ['proxy', 'GET', `${session}/proxy/state`, {}],
      ['any path with its id', 'GET', '/state', { headers: { 'x-session-id': 'hers' } }],
      ['any path with its id as user', 'GET', '/state', { headers: { 'x-user-id': 'hers' } }],
    ];
    it.each(calls)('%s', async (_name, method, path, options) => {
      const answer = await berth.call(method, path, { as: 'bob', ...options });
      expectProblem(answer, 404, 'SESSION_NOT_FOUND');
    });

    it('a WebSocket', async () => {
      const refused = berth.socket(proxied('demo', '/ws'), { as: 'bob' });
      await expect(refused).rejects.toThrow('404');
    });

    it('their list', async () => {
      const { body } = await berth.call('GET', '/api/v1/sessions', { as: 'bob' });
      expect(body.sessions).toEqual([]);
    });

    it('to the same subject of another issuer', async () => {
      const options = { as: { subject: 'alice', issuer: 'https://elsewhere.example' } };
      expectProblem(await berth.status('hers', options), 404, 'SESSION_NOT_FOUND');
    });

    it('and it has noticed nothing of all this', async () => {
      expect(executed(await berth.execute('hers', {}))).toMatchObject({ executions: 2, data: { mine: true } });
    });
  });

  it('is seen whole by an admin', async () => {
    const { body: list } = await berth.call('GET', '/api/v1/sessions?owner=alice', { as: root });
    expect(list.sessions).toEqual(expect.arrayContaining([expect.objectContaining({ id: 'hers', owner: 'alice' })]));
    const { body: status } = await berth.status('hers', { as: root });
    expect(status).toMatchObject({ owner: 'alice', pod: { address: expect.any(String) } });
    const logs = await berth.call('GET', '/api/v1/session/hers/logs', { as: root });
    expect(logs).toMatchObject({ status: 200, text: expect.stringContaining('execute 1') });
  });

  it('can be ended by an admin', async () => {
    await berth.put('ended-by-admin');
    expect(await berth.end('ended-by-admin', { as: root })).toMatchObject({ status: 204 });
    await eventually(async () => expectProblem(await berth.status('ended-by-admin'), 404, 'SESSION_NOT_FOUND'));
  });

  it('makes no admin of a scope that only looks like it', async () => {
    for (const scope of ['berth:administrator', 'xberth:admin', 'berth']) {
      const answer = await berth.status('hers', { as: { subject: 'bob', scope } });
      expectProblem(answer, 404, 'SESSION_NOT_FOUND');
    }
  });

  it('stays reserved for its owner after its end, then is free for anyone, as if it had never been', async () => {
    await berth.execute('reserved', { old: true });
    await berth.end('reserved');
    expectProblem(await berth.execute('reserved', 1, { as: 'bob' }), 404, 'SESSION_NOT_FOUND');
    const reopened = await berth.execute('reserved', 1);
    expect(reopened.headers['x-session-generation']).toBe('2');
    expect(executed(reopened).previous).toBeNull();

    await berth.end('reserved');
    const taken = await eventually(async () => {
      const answer = await berth.execute('reserved', 1, { as: 'bob' });
      expect(answer.status).toBe(200);
      return answer;
    }, 8_000);
    expect(taken.headers['x-session-generation']).toBe('1');
    expectProblem(await berth.status('reserved'), 404, 'SESSION_NOT_FOUND');
  });

  describe('and its pod', () => {
    const forged = {
      'X-Session-Generation': '99',
      'x-session-owner': 'eve',
      'X-Remote-User': 'eve',
      'X-Remote-Groups': 'admins',
      'X-Verified-Email': 'eve@example.org',
      'X-Auth-Request-User': 'eve',
      'X-Forwarded-User': 'eve',
      'X-Forwarded-Email': 'eve@example.org',
      'X-Forwarded-Groups': 'admins',
      'X-Forwarded-Preferred-Username': 'eve',
    };
    const identity = (headers: Record<string, string>): string[] =>
      Object.keys(headers).filter((name) =>
        /^(x-session-(?!id$|generation$)|x-remote-|x-verified-|x-auth-|x-forwarded-(user|email|groups|preferred))/.test(
          name,
        ),
      );

    it('hears from Berth whose request it is, never from the client', async () => {
      const answer = await berth.call('GET', proxied('demo', '/headers'), { as: 'alice', headers: forged });
      const headers = answer.body.headers as Record<string, string>;
      expect(headers).toMatchObject({ 'x-session-id': 'demo', 'x-session-generation': '1' });
      expect(identity(headers)).toEqual([]);
      expect(headers.authorization).toBeUndefined();
    });

    it('hears no other id than its own, when the client names two', async () => {
      const headers = { ...forged, 'x-session-id': 'hers', 'x-user-id': 'hers' };
      const answer: Answer = await berth.call('GET', proxied('demo', '/headers'), { as: 'alice', headers });
      expect(answer.body.headers).toMatchObject({ 'x-session-id': 'demo' });
    });

    it('hears the same on a WebSocket', async () => {
      const socket = await berth.socket(proxied('demo', '/ws/headers'), { as: 'alice', headers: forged });
      const { headers } = JSON.parse((await nextMessage(socket)) as string) as { headers: Record<string, string> };
      expect(headers).toMatchObject({ 'x-session-id': 'demo', 'x-session-generation': '1' });
      expect(identity(headers)).toEqual([]);
      expect(headers.authorization).toBeUndefined();
      socket.close();
    });

    it('is not told the secrets of Berth', async () => {
      const { text } = await berth.call('GET', proxied('demo', '/env'), { as: 'alice' });
      expect(text).toContain('SESSION_ID');
      expect(text).not.toMatch(/AUTH_|test-signing-key/);
    });
  });
});
