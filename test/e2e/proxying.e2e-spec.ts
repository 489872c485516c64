import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

import { executed, expectProblem, proxied } from '../support/answers.js';
import type { Answer, CallOptions } from '../support/berth-client.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { eventOf, serverEvents } from '../support/streams.js';
import { writeTemplates } from '../support/templates-file.js';

interface Echoed {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

describe('proxying HTTP to a pod', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates() });
    await berth.put('px', { template: 'demo' });
    await pod('GET', '/seen');
  });
  const pod = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
    berth.call(method, proxied('px', path), { as: 'alice', ...options });
  const echoed = async (method: string, path: string, options: CallOptions = {}): Promise<Echoed> =>
    (await pod(method, path, options)).body as unknown as Echoed;

  describe('passes on', () => {
    it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])('the method %s', async (method) => {
      expect(await echoed(method, '/headers')).toMatchObject({ method, url: '/headers' });
    });

    it.each(['/headers?a=1&a=2&b=%20+&c', '/headers/a%2Fb/%E2%82%AC', '/headers//double/', "/headers/;v=1,'()"])(
      'path and query as they were written: %s',
      async (path) => {
        expect((await echoed('GET', path)).url).toBe(path);
      },
    );

    it('headers and body', async () => {
      const headers = {
        'x-custom': 'kept',
        'content-type': 'text/x-odd',
        traceparent: '00-1-2-01',
        cookie: 'a=1; b=2',
      };
      const echo = await echoed('POST', '/headers', { headers, body: 'the body' });
      expect(echo).toMatchObject({ headers, body: 'the body' });
    });

    it.each([200, 201, 301, 400, 404, 418, 500, 503])('the status %d with its body', async (code) => {
      const answer = await pod('GET', `/status?code=${code}`);
      expect(answer).toMatchObject({ status: code, text: 'as told', headers: { 'retry-after': '7' } });
    });

    it('redirects and each of several cookies', async () => {
      expect(await pod('GET', '/redirect')).toMatchObject({ status: 302, headers: { location: '/elsewhere?x=1' } });
      expect((await pod('GET', '/cookies')).headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2']);
    });

    it('answers without a body: HEAD, 204, 304', async () => {
      const head = await pod('HEAD', '/bytes?n=12345');
      expect(head).toMatchObject({ status: 200, text: '', headers: { 'content-length': '12345' } });
      expect(await pod('GET', '/no-content')).toMatchObject({ status: 204, text: '', headers: { 'x-kept': 'yes' } });
      expect(await pod('GET', '/not-modified')).toMatchObject({ status: 304, text: '', headers: { etag: '"v1"' } });
    });

    it('answers with trailers', async () => {
      expect(await pod('GET', '/trailers')).toMatchObject({ status: 200, text: 'body' });
    });
  });

  it('keeps to itself what is meant for one connection, and the token', async () => {
    const headers = { te: 'trailers', 'proxy-authorization': 'Basic eDp5', 'proxy-connection': 'keep-alive' };
    const { headers: received } = await echoed('GET', '/headers', { headers });
    for (const name of [...Object.keys(headers), 'authorization', 'keep-alive', 'upgrade']) {
      expect(received).not.toHaveProperty(name);
    }
  });

  it('tells which session and pod answered', async () => {
    expect((await pod('GET', '/seen')).headers).toMatchObject({
      'x-session-id': 'px',
      'x-session-generation': '1',
      'x-session-restarts': '0',
      'x-session-start': 'none',
      'x-request-id': expect.any(String),
      'server-timing': expect.any(String),
    });
  });

  describe('streams', () => {
    it('an upload while the pod answers it', async () => {
      const body = new PassThrough();
      body.write('first');
      const answer = await berth.open('POST', proxied('px', '/upload'), { as: 'alice', body });
      const progress = (answer.body.setEncoding('utf8') as AsyncIterable<string>)[Symbol.asyncIterator]();
      expect((await progress.next()).value).toContain('{"received":5}');
      body.write(' second');
      expect((await progress.next()).value).toContain('{"received":12}');
      body.end();
      expect((await progress.next()).value).toContain('"bytes":12');
    });

    it('a large upload unharmed', async () => {
      const body = Buffer.alloc(20 * 1024 * 1024, 'large upload ');
      const answer = await pod('POST', '/upload', { body });
      const sha256 = createHash('sha256').update(body).digest('hex');
      expect(JSON.parse(answer.text.trim().split('\n').at(-1)!)).toEqual({ bytes: body.length, sha256 });
    });

    it('a large download, with no more in memory than the client takes', async () => {
      const total = 300 * 1024 * 1024;
      const beforeMb = residentMb(berth.pid);
      const answer = await berth.open('GET', proxied('px', `/bytes?n=${total}`), { as: 'alice' });
      for (let calm = 0, lastMb = 0; calm < 10;) {
        await pause(20);
        const nowMb = residentMb(berth.pid);
        calm = Math.abs(nowMb - lastMb) < 1 ? calm + 1 : 0;
        lastMb = nowMb;
      }
      expect(residentMb(berth.pid) - beforeMb).toBeLessThan(100);
      let bytes = 0;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) bytes += chunk.length;
      expect(bytes).toBe(total);
    });

    it('server-sent events as they come', async () => {
      const answer = await berth.open('GET', proxied('px', '/events'), { as: 'alice' });
      expect(answer.headers['content-type']).toBe('text/event-stream');
      expect(await eventOf(serverEvents(answer.body), 'tick', 3)).toMatchObject({ data: '{"tick":3}' });
      answer.body.on('error', () => undefined).destroy();
    });
  });

  it('lets the pod know when the client has gone', async () => {
    const gone = new AbortController();
    const before = await eventually(async () => {
      const { body } = await pod('GET', '/seen');
      expect(body).toMatchObject({ open: 1 }); // what earlier tests left open is gone
      return body as { aborted: number };
    });
    const waiting = pod('GET', '/slow?ms=60000', { signal: gone.signal });
    await eventually(async () => expect((await pod('GET', '/seen')).body).toMatchObject({ open: 2 }));
    gone.abort();
    await expect(waiting).rejects.toThrow();
    await eventually(async () => {
      expect((await pod('GET', '/seen')).body).toMatchObject({ open: 1, aborted: before.aborted + 1 });
    });
  });

  describe('to any path with the id in a header', () => {
    const by = (header: string, id = 'px'): CallOptions => ({ as: 'alice', headers: { [header]: id } });

    it.each(['X-Session-ID', 'X-User-ID'])('%s', async (header) => {
      const answer = await berth.call('PUT', '/headers/any/path?q=1', { ...by(header), body: 'text' });
      expect(answer.body).toMatchObject({ method: 'PUT', url: '/headers/any/path?q=1', body: 'text' });
      expect(answer.headers['x-session-id']).toBe('px');
    });

    it('X-Session-ID before X-User-ID', async () => {
      const headers = { 'x-session-id': 'px', 'x-user-id': 'somebody' };
      const answer = await berth.call('GET', '/headers', { as: 'alice', headers });
      expect(answer.headers['x-session-id']).toBe('px');
    });

    it('opens the session if need be', async () => {
      const answer = await berth.call('POST', '/execute', { ...by('x-session-id', 'transparent'), body: { data: 1 } });
      expect(executed(answer)).toMatchObject({ sessionId: 'transparent', executions: 1 });
    });
  });

  describe('when the pod fails', () => {
    beforeAll(async () => {
      await berth.put('failing', { template: 'demo' });
    });
    const failing = (method: string, path: string): Promise<Answer> =>
      berth.call(method, proxied('failing', path), { as: 'alice' });

    it('answers POD_LOST when it closes without an answer, and does not ask it twice', async () => {
      const before = (await failing('GET', '/seen')).body as { requests: number };
      expectProblem(await failing('GET', '/close'), 502, 'POD_LOST');
      expect((await failing('GET', '/seen')).body).toMatchObject({ requests: before.requests + 2 });
    });

    it('answers POD_LOST when it dies before it answers, and serves the next request', async () => {
      expectProblem(await failing('POST', '/crash'), 502, 'POD_LOST');
      expect(await failing('GET', '/seen')).toMatchObject({ status: 200, headers: { 'x-session-restarts': '1' } });
    });

    it('breaks off an answer in the middle of which it dies, rather than make it look whole', async () => {
      await expect(failing('GET', '/abort')).rejects.toThrow();
      expect(await failing('GET', '/seen')).toMatchObject({ status: 200 });
    });
  });
});

function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}
