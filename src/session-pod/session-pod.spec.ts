import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpRequest, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Log, type LogLevel } from './log.js';
import { startSessionPod, type RunningPod } from './session-pod.js';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

describe('the session application', () => {
  let folder: string;
  let pods: RunningPod[];
  let lines: string[];
  let agent: Agent;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'session-pod-'));
    pods = [];
    lines = [];
    agent = new Agent({ keepAlive: true });
  });
  afterEach(async () => {
    agent.destroy();
    await Promise.all(pods.map((pod) => pod.stop()));
    await rm(folder, { recursive: true });
  });

  const stateFilePath = (): string => join(folder, 'state.json');
  async function start(
    options: { sessionId?: string; logLevel?: LogLevel } = { sessionId: 's1' },
  ): Promise<RunningPod> {
    const log = new Log(options.logLevel ?? 'info', (line) => void lines.push(line));
    const settings = {
      port: 0,
      host: '127.0.0.1',
      logLevel: 'info',
      stateFilePath: stateFilePath(),
      ...options,
    } as const;
    const pod = await startSessionPod(settings, log);
    pods.push(pod);
    return pod;
  }
  function open(pod: RunningPod, method: string, path: string, headers = {}): [ClientRequest, Promise<Answer>] {
    const request = httpRequest({ port: pod.port, host: '127.0.0.1', method, path, headers, agent });
    const answer = new Promise<Answer>((resolve, reject) => {
      request.once('error', reject).once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () => {
          const body = (text ? JSON.parse(text) : {}) as Answer['body'];
          resolve({ status: response.statusCode!, headers: response.headers, body });
        });
      });
    });
    return [request, answer];
  }
  function call(pod: RunningPod, method: string, path: string, body?: string | Buffer, headers = {}): Promise<Answer> {
    const [request, answer] = open(pod, method, path, headers);
    request.end(body);
    return answer;
  }
  const execute = (pod: RunningPod, data: unknown, headers = {}): Promise<Answer> =>
    call(pod, 'POST', '/execute', JSON.stringify({ data }), headers);

  it('shows a second call what the first one left', async () => {
    const pod = await start();
    await expect(execute(pod, { name: 'Ada' })).resolves.toMatchObject({
      status: 200,
      body: { sessionId: 's1', executions: 1, previous: null, data: { name: 'Ada' } },
    });
    await expect(execute(pod, { count: 2 })).resolves.toMatchObject({
      body: { executions: 2, previous: { name: 'Ada' }, data: { name: 'Ada', count: 2 } },
    });
    await expect(call(pod, 'GET', '/state')).resolves.toMatchObject({
      status: 200,
      body: { sessionId: 's1', executions: 2, data: { name: 'Ada', count: 2 } },
    });
  });

  it('loses nothing when many execute at once', async () => {
    const pod = await start();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => execute(pod, { [`key${i}`]: i })));
    const numbers = answers.map(({ body }) => body.executions as number).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    const { body } = await call(pod, 'GET', '/state');
    expect(Object.keys(body.data as object)).toHaveLength(50);
  });

  it('remembers across a restart', async () => {
    const first = await start();
    await execute(first, { name: 'Ada' });
    await first.stop();
    await expect(execute(await start(), { count: 1 })).resolves.toMatchObject({
      body: { executions: 2, previous: { name: 'Ada' } },
    });
  });

  it('starts afresh, and says so, when the state file is broken', async () => {
    await writeFile(stateFilePath(), 'not JSON');
    await expect(execute(await start(), 1)).resolves.toMatchObject({ body: { executions: 1, previous: null } });
    expect(lines[0]).toMatch(/warn .*set aside/);
  });

  it('answers 500 and changes nothing when the state cannot be written', async () => {
    const pod = await start();
    await rm(folder, { recursive: true });
    await expect(execute(pod, { a: 1 })).resolves.toMatchObject({ status: 500, body: { status: 500 } });
    await expect(call(pod, 'GET', '/state')).resolves.toMatchObject({ body: { executions: 0, data: null } });
    folder = await mkdtemp(join(tmpdir(), 'session-pod-'));
  });

  it('writes one line for each execute, in order, and none above its level', async () => {
    const pod = await start();
    await execute(pod, { secret: 'hidden' });
    await execute(pod, [1]);
    const executes = lines.filter((line) => line.includes('execute'));
    expect(executes).toEqual([
      expect.stringMatching(/^\S+Z info {2}execute 1 of session s1: object\n$/),
      expect.stringMatching(/^\S+Z info {2}execute 2 of session s1: array\n$/),
    ]);
    lines = [];
    await execute(await start({ sessionId: 's1', logLevel: 'warn' }), 1);
    expect(lines).toEqual([]);
  });

  describe('refuses with problem+json', () => {
    const cases: [string, string, string, string | undefined, number][] = [
      ['a body that is not JSON', 'POST', '/execute', '{"data":', 400],
      ['an empty body', 'POST', '/execute', '', 400],
      ['a body without data', 'POST', '/execute', '{"date":1}', 400],
      ['a body that is no object', 'POST', '/execute', '[{"data":1}]', 400],
      ['data nested beyond reason', 'POST', '/execute', `{"data":${'['.repeat(5000)}${']'.repeat(5000)}}`, 400],
      ['an unknown path', 'GET', '/nowhere', undefined, 404],
      ['a path that is a property of every object', 'GET', '/constructor', undefined, 404],
      ['a method that the path does not know', 'GET', '/execute', undefined, 405],
    ];
    it.each(cases)('%s', async (_what, method, path, body, status) => {
      const answer = await call(await start(), method, path, body);
      expect(answer).toMatchObject({ status, body: { type: 'about:blank', status } });
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.body.title).toEqual(expect.any(String));
      expect(answer.body.detail).toEqual(expect.any(String));
    });

    it('bytes that are not UTF-8', async () => {
      const body = Buffer.from([...Buffer.from('{"data":"'), 0xff, ...Buffer.from('"}')]);
      await expect(call(await start(), 'POST', '/execute', body)).resolves.toMatchObject({ status: 400 });
    });

    it('another method, naming those it knows', async () => {
      const pod = await start();
      expect((await call(pod, 'DELETE', '/state')).headers.allow).toBe('GET, HEAD');
      expect((await call(pod, 'PUT', '/execute')).headers.allow).toBe('POST');
    });

    it.each([
      ['announced', { 'content-length': 11 * 1024 * 1024 }],
      ['not announced', { 'transfer-encoding': 'chunked' }],
    ])('a body over 10 MiB that is %s, and goes on serving', async (_how, headers) => {
      const pod = await start();
      const body = Buffer.alloc(11 * 1024 * 1024, 'x');
      await expect(call(pod, 'POST', '/execute', body, headers)).resolves.toMatchObject({ status: 413 });
      await expect(execute(pod, 1)).resolves.toMatchObject({ status: 200 });
    });
  });

  it('accepts a body of 10 MiB', async () => {
    const body = JSON.stringify({ data: 'x'.repeat(10 * 1024 * 1024 - 11) });
    expect(Buffer.byteLength(body)).toBe(10 * 1024 * 1024);
    await expect(call(await start(), 'POST', '/execute', body)).resolves.toMatchObject({ status: 200 });
  });

  it('answers 421 to requests of another session, except for its health', async () => {
    const pod = await start();
    const headers = { 'x-session-id': 'other' };
    const misdirected = { status: 421, body: { title: 'Misdirected Request', status: 421 } };
    await expect(execute(pod, 1, headers)).resolves.toMatchObject(misdirected);
    await expect(call(pod, 'GET', '/state', undefined, headers)).resolves.toMatchObject(misdirected);
    await expect(call(pod, 'GET', '/health', undefined, headers)).resolves.toMatchObject({ status: 200 });
    await expect(execute(pod, 1, { 'x-session-id': 's1' })).resolves.toMatchObject({ body: { executions: 1 } });
    await expect(execute(pod, 1)).resolves.toMatchObject({ body: { executions: 2 } });
  });

  it('learns its session from the first request of a warm pod, not from probes, and for good', async () => {
    const warm = await start({ sessionId: undefined });
    await call(warm, 'GET', '/health', undefined, { 'x-session-id': 'probe' });
    await expect(execute(warm, 1, { 'x-session-id': 's7' })).resolves.toMatchObject({ body: { sessionId: 's7' } });
    await expect(execute(warm, 1, { 'x-session-id': 's8' })).resolves.toMatchObject({ status: 421 });
    await warm.stop();
    const again = await start({ sessionId: undefined });
    await expect(execute(again, 1, { 'x-session-id': 's8' })).resolves.toMatchObject({ status: 421 });
  });

  it('keeps connections open', async () => {
    const answer = await call(await start(), 'GET', '/health', undefined);
    expect(Number(/timeout=(\d+)/.exec(String(answer.headers['keep-alive']))?.[1])).toBeGreaterThan(60);
  });

  it('finishes what is open when it is stopped, accepts nothing more, and keeps the state', async () => {
    const pod = await start();
    await call(pod, 'GET', '/health'); // leaves an idle connection behind, which must not hold up the stop
    const [request, answer] = open(pod, 'POST', '/execute', { 'transfer-encoding': 'chunked' });
    await new Promise<void>((sent) => request.write('{"data":', () => sent()));
    await call(pod, 'GET', '/state');
    const stopped = pod.stop();
    const refused = new Promise((resolve) => connect(pod.port, '127.0.0.1').once('error', resolve));
    await expect(refused).resolves.toMatchObject({ code: 'ECONNREFUSED' });
    request.end('42}');
    await expect(answer).resolves.toMatchObject({ status: 200, body: { data: 42 } });
    await stopped;
    expect(JSON.parse(await readFile(stateFilePath(), 'utf8'))).toMatchObject({ executions: 1, data: 42 });
  });

  it('answers what was on its way on a kept connection when it was stopped, and closes that then', async () => {
    const pod = await start();
    await call(pod, 'GET', '/health');
    const stopped = pod.stop();
    const answer = await call(pod, 'GET', '/health');
    expect([answer.status, answer.headers.connection]).toEqual([200, 'close']);
    await stopped;
  });

  it('is not troubled by a client that goes away in the middle of a body', async () => {
    const pod = await start();
    const [request, answer] = open(pod, 'POST', '/execute', { 'transfer-encoding': 'chunked' });
    await new Promise<void>((sent) => request.write('{"data":', () => sent()));
    request.destroy();
    await expect(answer).rejects.toThrow();
    await expect(execute(pod, 1)).resolves.toMatchObject({ body: { executions: 1 } });
    expect(lines.filter((line) => line.includes('error'))).toEqual([]);
  });
});
