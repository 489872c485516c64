import { expectProblem, proxied } from '../support/answers.js';
import type { Claims } from '../support/berth-client.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { nextMessage } from '../support/streams.js';
import { writeTemplates } from '../support/templates-file.js';

describe('tokens', () => {
  let berth: BerthProcess;
  const sent: string[] = [];
  beforeAll(async () => {
    const templates = { restricted: { requiredScope: 'gpu' } };
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates(templates), LOG_LEVEL: 'debug' });
    await berth.put('chat', { template: 'demo' });
  });

  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const inAnHour = Math.floor(Date.now() / 1_000) + 3_600;
  const unsigned = `${encode({ alg: 'none', typ: 'JWT' })}.${encode({ sub: 'alice', exp: inAnHour })}.`;
  const bearer = (subject: string, claims: Claims): string => {
    const token = berth.token(subject, claims);
    sent.push(token);
    return `Bearer ${token}`;
  };
  const tampered = (): string => {
    const [head, , signature] = berth.token('bob').split('.');
    return `Bearer ${head}.${encode({ sub: 'alice', exp: inAnHour })}.${signature}`;
  };

  const refused: [string, () => string | undefined][] = [
    ['no token', () => undefined],
    ['an empty header', () => ''],
    ['another scheme', () => 'Basic YWxpY2U6c2VjcmV0'],
    ['a scheme without a token', () => 'Bearer '],
    ['something that is no token', () => 'Bearer not.a.token'],
    ['an expired token', () => bearer('alice', { expiresInSeconds: -60 })],
    ['a token that is not valid yet', () => bearer('alice', { notBeforeInSeconds: 600 })],
    ['a token signed with another key', () => bearer('alice', { secret: 'another-key-that-is-long-enough-for-it' })],
    ['a token signed with an empty key', () => `Bearer ${berth.token('alice', { secret: ' ' })}`],
    ['a token of another algorithm', () => bearer('alice', { algorithm: 'HS512' })],
    ['an unsigned token', () => `Bearer ${unsigned}`],
    ['an unsigned token with a signature', () => `Bearer ${unsigned}${berth.token('alice').split('.')[2]}`],
    ['a token whose claims were exchanged', () => tampered()],
    ['a token without its signature', () => `Bearer ${berth.token('alice').split('.').slice(0, 2).join('.')}.`],
    ['a token of nobody', () => `Bearer ${berth.token('')}`],
  ];

  it.each(refused)('are needed: %s is refused, and nothing is made', async (_what, authorization) => {
    const value = authorization();
    const headers: Record<string, string> = value === undefined ? {} : { authorization: value };
    const answer = await berth.call('POST', '/api/v1/session/unwanted/execute', { headers, body: { data: 1 } });
    expectProblem(answer, 401, 'UNAUTHENTICATED');
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    expectProblem(await berth.status('unwanted'), 404, 'SESSION_NOT_FOUND');
  });

  const calls: [string, string][] = [
    ['PUT', '/api/v1/session/chat'],
    ['DELETE', '/api/v1/session/chat'],
    ['GET', '/api/v1/session/chat/status'],
    ['POST', '/api/v1/session/chat/keepalive'],
    ['GET', '/api/v1/session/chat/logs'],
    ['GET', '/api/v1/session/chat/events'],
    ['GET', '/api/v1/session/chat/proxy/headers'],
    ['GET', '/api/v1/sessions'],
  ];
  it.each(calls)('are needed for %s %s', async (method, path) => {
    expectProblem(await berth.call(method, path), 401, 'UNAUTHENTICATED');
  });

  it('are needed with a session header', async () => {
    expectProblem(await berth.call('GET', '/x', { headers: { 'x-session-id': 'chat' } }), 401, 'UNAUTHENTICATED');
  });

  it('are not needed to ask for health', async () => {
    for (const path of ['/health', '/health/live', '/health/ready']) {
      expect(await berth.call('GET', path)).toMatchObject({ status: 200 });
    }
  });

  it('need the scope that the template asks for', async () => {
    expectProblem(await berth.put('fast', { template: 'restricted' }), 403, 'FORBIDDEN');
    expectProblem(await berth.status('fast'), 404, 'SESSION_NOT_FOUND');
    const allowed = await berth.put('fast', { template: 'restricted' }, { as: { subject: 'alice', scope: 'a gpu' } });
    expect(allowed.status).toBe(201);
  });

  describe('on a WebSocket', () => {
    const path = proxied('chat', '/ws/headers');
    const openedWith = async (protocols: string[]) => {
      const socket = await berth.socket(path, { protocols });
      const opening = JSON.parse((await nextMessage(socket)) as string) as { headers: Record<string, string> };
      socket.close();
      return { protocol: socket.protocol, headers: opening.headers };
    };

    it('may come as a subprotocol, which the pod does not see', async () => {
      const token = berth.token('alice');
      sent.push(token);
      const { protocol, headers } = await openedWith(['chat.v1', `berth.bearer.${token}`]);
      expect(protocol).toBe('chat.v1');
      expect(headers['sec-websocket-protocol']).toBe('chat.v1');
      expect(JSON.stringify(headers)).not.toContain(token);
    });

    it('may come as the only subprotocol, as browsers accept no answer without one', async () => {
      const { headers } = await openedWith([`berth.bearer.${berth.token('alice')}`]);
      expect(JSON.stringify(headers)).not.toContain('berth.bearer');
    });

    it.each([
      ['missing', []],
      ['forged', [`berth.bearer.${unsigned}`]],
      ['not a token', ['berth.bearer.xyz']],
    ])('are needed: %s is refused', async (_what, protocols) => {
      await expect(berth.socket(path, { protocols })).rejects.toThrow('401');
    });
  });

  it('never get into the log', () => {
    expect(sent.length).toBeGreaterThan(3);
    for (const token of sent) expect(berth.output()).not.toContain(token);
    expect(berth.output()).not.toContain('test-signing-key');
  });
});
