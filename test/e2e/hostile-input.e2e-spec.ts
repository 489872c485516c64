import { executed, expectProblem, proxied } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { lines, rawRequest, statuses, type RawAnswer } from '../support/raw-request.js';
import { writeTemplates } from '../support/templates-file.js';

const EXECUTE = 'POST /api/v1/session/target/execute HTTP/1.1';
const BODY = '{"data":{"smuggled":1}}';
const SMUGGLED = lines(EXECUTE, 'Host: x', `Content-Length: ${BODY.length}`, '') + BODY;

describe('hostile input', () => {
  let berth: BerthProcess;
  let token: string;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates(), MAX_BODY_BYTES: '1048576' });
    token = `Authorization: Bearer ${berth.token('alice')}`;
    await berth.execute('target', { untouched: true });
    await berth.put('demo', { template: 'demo' });
  });
  const send = (bytes: string | readonly string[], limitMs?: number): Promise<RawAnswer> =>
    rawRequest(berth.url, bytes, { limitMs });

  afterEach(async () => {
    const { body } = await berth.call('GET', proxied('target', '/state'), { as: 'alice' });
    expect(body).toMatchObject({ executions: 1, data: { untouched: true } });
  });
  afterAll(() => {
    expect(berth.output()).not.toMatch(/uncaught|unhandled/i);
  });

  describe('that could be read in two ways is refused, and its connection closed:', () => {
    const head = (...headers: string[]): string => lines(EXECUTE, 'Host: x', token, ...headers, '');
    const messages: [string, () => string][] = [
      ['both lengths', () => head('Content-Length: 4', 'Transfer-Encoding: chunked') + `0\r\n\r\n${SMUGGLED}`],
      [
        'both lengths, other order',
        () => head('Transfer-Encoding: chunked', 'Content-Length: 5') + `0\r\n\r\n${SMUGGLED}`,
      ],
      ['two different lengths', () => head('Content-Length: 2', 'Content-Length: 30') + `{}${SMUGGLED}`],
      ['two lengths in one header', () => head('Content-Length: 2, 30') + `{}${SMUGGLED}`],
      ['a length with a sign', () => head('Content-Length: +2') + `{}${SMUGGLED}`],
      ['a length in hexadecimal', () => head('Content-Length: 0x2') + `{}${SMUGGLED}`],
      ['chunked not as the last coding', () => head('Transfer-Encoding: chunked, identity') + `0\r\n\r\n${SMUGGLED}`],
      ['an unknown coding', () => head('Transfer-Encoding: xchunked') + `0\r\n\r\n${SMUGGLED}`],
      ['a chunk size that is none', () => head('Transfer-Encoding: chunked') + `zz\r\n{}\r\n0\r\n\r\n${SMUGGLED}`],
      ['a folded header', () => head('X-Folded: a', ' b', 'Content-Length: 2') + `{}${SMUGGLED}`],
      ['a space before the colon', () => head('Content-Length : 2') + `{}${SMUGGLED}`],
      ['a header without a name', () => head(': x', 'Content-Length: 2') + `{}${SMUGGLED}`],
      ['a NUL in a header', () => head('X-Nul: a\0b', 'Content-Length: 2') + `{}${SMUGGLED}`],
      ['bare line feeds', () => `${EXECUTE}\nHost: x\n${token}\nContent-Length: ${BODY.length}\n\n${BODY}`],
      ['no version', () => `POST /api/v1/session/target/execute\r\nHost: x\r\n${token}\r\n\r\n`],
      ['something that is not HTTP', () => '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'],
    ];
    it.each(messages)('%s', async (_what, message) => {
      const answer = await send(message());
      expect(answer.closed).toBe(true);
      expect(statuses(answer)).toEqual([400]);
      expect(answer.text).toMatch(/content-type: application\/problem\+json/i);
      expect(answer.text).toMatch(/"code":"INVALID_REQUEST"/);
    });
  });

  it('in the form of huge headers is refused', async () => {
    const answer = await send(lines('GET /health HTTP/1.1', 'Host: x', `X-Huge: ${'h'.repeat(100_000)}`, ''));
    expect(answer.closed).toBe(true);
    expect([400, 431]).toContain(statuses(answer)[0]);
    expect(answer.text).toMatch(/content-type: application\/problem\+json/i);
  });

  it('that comes byte by byte is served, and holds up nobody', async () => {
    const request = lines('GET /api/v1/session/target/status HTTP/1.1', 'Host: x', token, 'Connection: close', '');
    const slow = send([...request]);
    expect(await berth.status('target')).toMatchObject({ status: 200 });
    expect(statuses(await slow)).toEqual([200]);
  });

  it('that stops in the middle holds up nobody', async () => {
    const stalled = Array.from({ length: 50 }, () => send(lines(EXECUTE, 'Host: x', token), 300));
    expect(await berth.status('target')).toMatchObject({ status: 200 });
    for (const answer of await Promise.all(stalled)) expect(statuses(answer)).not.toContain(200);
  });

  describe('as a session id', () => {
    const ids = [
      '.',
      '..',
      '.a',
      'a.',
      '-a',
      'a~',
      'a'.repeat(129),
      'a%2Fb',
      'a%00',
      '%2e%2e',
      'a%20b',
      '%C3%A4',
      'a%',
      'a*b',
      'a:b',
    ];
    it.each(ids)('is refused before anything is touched: %s', async (id) => {
      const request = (line: string): string =>
        lines(`${line} HTTP/1.1`, 'Host: x', token, 'Content-Length: 2', 'Connection: close', '') + '{}';
      for (const line of [`GET /api/v1/session/${id}/status`, `PUT /api/v1/session/${id}`]) {
        const answer = await send(request(line));
        expect(statuses(answer)).toEqual([400]);
        expect(answer.text).toMatch(/"code":"INVALID_SESSION_ID"/);
      }
    });

    it.each(['../x', 'a b', 'a/b', 'a,b', 'http://evil.example'])('in a header is refused: %j', async (id) => {
      const answer = await berth.call('GET', '/state', { as: 'alice', headers: { 'x-session-id': id } });
      expectProblem(answer, 400, 'INVALID_SESSION_ID');
    });

    it('in two headers is refused', async () => {
      const headers = lines('GET /state HTTP/1.1', 'Host: x', token, 'X-Session-ID: target', 'X-Session-ID: other');
      const answer = await send(`${headers}Connection: close\r\n\r\n`);
      expect(statuses(answer)).toEqual([400]);
    });

    it.each(['a', 'A-1._~z', '0', 'x'.repeat(128)])('may be %s', async (id) => {
      expectProblem(await berth.status(id), 404, 'SESSION_NOT_FOUND');
    });
  });

  describe('as a body', () => {
    it.each(['', '{"data":', 'null', '{"date":1}'])(
      'of an execute that is no JSON with data gets 400: %j',
      async (body) => {
        const headers = { 'content-type': 'application/json' };
        const answer = await berth.call('POST', '/api/v1/session/target/execute', { as: 'alice', headers, body });
        expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/problem+json' } });
      },
    );

    it.each(['{', '[]', '"text"', '{"env":[]}', '\xff'])(
      'of an opening that is not understood gets 400: %j',
      async (body) => {
        const headers = { 'content-type': 'application/json' };
        const answer = await berth.call('PUT', '/api/v1/session/misread', { as: 'alice', headers, body });
        expectProblem(answer, 400, 'INVALID_REQUEST');
        expectProblem(await berth.status('misread'), 404, 'SESSION_NOT_FOUND');
      },
    );

    it('of an opening that is too large gets 413', async () => {
      const answer = await berth.put('misread', { env: { GREETING: 'x'.repeat(2 * 1024 * 1024) } });
      expectProblem(answer, 413, 'PAYLOAD_TOO_LARGE');
    });

    it.each([
      ['announced', Buffer.alloc(1_048_577, ' ')],
      ['announced, by far', Buffer.alloc(20_000_000, ' ')],
    ])('that is too large gets 413: %s', async (_how, body) => {
      const answer = await berth.call('POST', '/api/v1/session/target/execute', { as: 'alice', body });
      expectProblem(answer, 413, 'PAYLOAD_TOO_LARGE');
    });

    it('that turns out too large gets 413, or its connection cut, and is not executed', async () => {
      const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
      const head = lines(EXECUTE, 'Host: x', token, 'Transfer-Encoding: chunked', 'Connection: close', '');
      const answer = await send([head, ...Array.from({ length: 20 }, () => chunk), '0\r\n\r\n']);
      expect(statuses(answer)).toEqual([413]);
    });
  });

  describe('as an address', () => {
    it.each([
      ['//evil.example/x', '//evil.example/x'],
      ['/http://evil.example/', '/http://evil.example/'],
      ['/headers/..%2f..%2fetc', '/headers/..%2f..%2fetc'],
    ])('reaches no other host: %s', async (path, seen) => {
      const answer = await berth.call('GET', proxied('demo', path), { as: 'alice' });
      expect(answer.headers['x-session-id']).toBe('demo');
      if (answer.status === 200) expect(answer.body.url).toBe(seen);
      else expect(answer.text).toContain('the demo pod has no');
    });

    it.each([
      'GET /api/v1/session/demo/proxy/../../target/state',
      'GET /api/v1/session/demo/proxy@evil.example/',
      'GET /api/v1/session/demo/proxy:80/',
      'GET http://evil.example/state',
      'OPTIONS *',
    ])('reaches no other session: %s', async (line) => {
      const answer = await send(lines(`${line} HTTP/1.1`, 'Host: x', token, 'Connection: close', ''));
      expect(answer.closed).toBe(true);
      expect(answer.text).not.toContain('untouched');
      expect(answer.text).not.toMatch(/x-session-id: target/i);
    });

    it('is no way to use Berth as a proxy to elsewhere', async () => {
      const answer = await send(lines('CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example:443', token, ''));
      expect(answer.closed).toBe(true);
      expect(statuses(answer)).not.toContain(200);
    });

    it('cannot strip what Berth tells the pod', async () => {
      const answer = await rawRequest(
        berth.url,
        lines(
          `GET ${proxied('demo', '/headers')} HTTP/1.1`,
          'Host: x',
          token,
          'Connection: close, X-Session-Id, X-Session-Generation, X-Private',
          'X-Private: 1',
          '',
        ),
      );
      expect(statuses(answer)).toEqual([200]);
      expect(answer.text).toMatch(/"x-session-id":"demo"/);
      expect(answer.text).toMatch(/"x-session-generation":"1"/);
      expect(answer.text).not.toMatch(/"x-private"/);
    });
  });

  describe('as an upgrade', () => {
    const upgrade = (path: string, ...headers: string[]): string =>
      lines(
        `GET ${path} HTTP/1.1`,
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
        '',
      );
    const bobs = (): string => `Authorization: Bearer ${berth.token('bob')}`;
    const cases: [string, () => string, number][] = [
      ['without a token', () => upgrade(proxied('demo', '/ws')), 401],
      ['to the session of another', () => upgrade(proxied('demo', '/ws'), bobs()), 404],
      ['to an illegal id', () => upgrade(proxied('-', '/ws'), token), 400],
      ['to a path that is none', () => upgrade('/nowhere', token), 404],
      ['to a path that is no proxy', () => upgrade('/api/v1/session/demo/execute', token), 405],
    ];
    it.each(cases)('%s is answered and closed', async (_what, message, status) => {
      const answer = await send(message());
      expect(answer.closed).toBe(true);
      expect(statuses(answer)).toEqual([status]);
    });

    it('to another protocol does not hang', async () => {
      const h2c = lines('GET /health HTTP/1.1', 'Host: x', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', '');
      const answer = await rawRequest(berth.url, h2c, { until: /HTTP\/1\.1 \d{3}/ });
      expect(statuses(answer)).not.toContain(101);
      expect(statuses(answer)).toHaveLength(1);
    });
  });

  it('has made no session', async () => {
    const { body } = await berth.call('GET', '/api/v1/sessions', { as: 'alice' });
    expect((body.sessions as { id: string }[]).map(({ id }) => id).sort()).toEqual(['demo', 'target']);
    expect(executed(await berth.call('GET', proxied('target', '/state'), { as: 'alice' })).executions).toBe(1);
  });
});
