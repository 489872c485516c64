import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';

import { eventually } from '../../../test/support/eventually.js';
import { EdgeHarness, WITH_TOKEN } from '../../../test/support/gateway/edge-harness.js';
import { ask, open, PodServer, readText } from '../../../test/support/gateway/pod-server.js';
import { rawRequest } from '../../../test/support/raw-request.js';

const MiB = 1_024 * 1_024;
const PROXY = '/api/v1/session/a/proxy/';

describe('passing a request to a pod', () => {
  let harness: EdgeHarness;
  let pods: PodServer[] = [];

  const setUp = async (settings: Parameters<EdgeHarness['start']>[0] = {}): Promise<void> => {
    harness = await new EdgeHarness().start(settings);
  };
  const podWith = async (handler: RequestListener, generation = 1): Promise<PodServer> => {
    const pod = await new PodServer(handler).start();
    pods.push(pod);
    harness.sessions.place('a', pod.address, generation);
    return pod;
  };
  const options = (method = 'GET', headers: Record<string, string> = {}) => ({
    port: harness.port,
    method,
    path: PROXY,
    headers: { ...WITH_TOKEN, ...headers },
  });
  const released = () => eventually(() => expect(harness.sessions.inUse).toBe(0));

  afterEach(async () => {
    await released();
    await harness.stop();
    await Promise.all(pods.map((pod) => pod.stop()));
    pods = [];
  });

  describe('whatever the form of the answer', () => {
    const forms: [string, string, RequestListener, object][] = [
      ['with a length', 'GET', (_req, res) => res.writeHead(200, { 'content-length': 3 }).end('abc'), { text: 'abc' }],
      ['in chunks', 'GET', (_req, res) => void (res.write('a'), res.write('b'), res.end('c')), { text: 'abc' }],
      ['to HEAD', 'HEAD', (_req, res) => res.writeHead(200, { 'content-length': 30 }).end(), { text: '' }],
      ['204', 'DELETE', (_req, res) => res.writeHead(204).end(), { status: 204, text: '' }],
      ['304', 'GET', (_req, res) => res.writeHead(304, { etag: '"1"' }).end(), { status: 304, text: '' }],
      [
        'a reason of its own',
        'GET',
        (_req, res) => res.writeHead(299, 'Quite So').end('x'),
        { status: 299, text: 'x' },
      ],
      ['an error', 'GET', (_req, res) => res.writeHead(500).end('oops'), { status: 500, text: 'oops' }],
      [
        'its end of connection as the end',
        'GET',
        (_req, res) => {
          res.socket!.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end');
        },
        { text: 'to the end' },
      ],
    ];

    it.each(forms)('passes an answer %s', async (_name, method, handler, expected) => {
      await setUp();
      await podWith(handler);
      const answer = await ask(options(method));
      expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, ...expected });
      await released();
    });

    it('keeps the length where there is one, and chunks where there are chunks', async () => {
      await setUp();
      await podWith(
        (req, res) =>
          void (req.url === '/length' ? res.writeHead(200, { 'content-length': 1 }).end('x') : res.end(res.write('x'))),
      );
      const [withLength, inChunks] = [await ask({ ...options(), path: `${PROXY}length` }), await ask(options())];
      expect(withLength.headers).toMatchObject({ 'content-length': '1' });
      expect(withLength.headers).not.toHaveProperty('transfer-encoding');
      expect(inChunks.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    });

    it('passes trailers, several cookies and early hints', async () => {
      await setUp();
      await podWith((_req, res) => {
        res.writeEarlyHints({ link: '</style.css>; rel=preload' });
        res.writeHead(200, { trailer: 'X-Sum', 'set-cookie': ['a=1', 'b=2'] });
        res.write('body');
        res.addTrailers({ 'X-Sum': '42' });
        res.end();
      });
      const hints: unknown[] = [];
      const outgoing = request({ host: '127.0.0.1', ...options() }).on('information', (hint) =>
        hints.push(hint.statusCode),
      );
      const [response] = (await once(outgoing.end(), 'response')) as [IncomingMessage];
      expect(await readText(response)).toBe('body');
      expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2']);
      expect(response.trailers).toEqual({ 'x-sum': '42' });
      expect(hints).toEqual([103]);
    });

    it('shows the head of an answer whose body takes its time', async () => {
      await setUp();
      const asked = new Promise<ServerResponse>(
        (resolve) =>
          void podWith((_req, res) => {
            res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
            resolve(res);
          }).then(async () => {
            const response = await open(options());
            expect(response.headers['content-type']).toBe('text/event-stream');
            const first = once(response, 'data');
            (await asked).write('data: 1\n\n');
            expect(String((await first)[0])).toBe('data: 1\n\n');
            (await asked).end();
            response.resume();
          }),
      );
      await asked;
    });
  });

  describe('with a body', () => {
    const lengths = [0, 1, 1_000, 64 * 1_024, 64 * 1_024 + 1, 3 * MiB];

    it.each(lengths)('passes %i bytes with their length', async (length) => {
      await setUp();
      const pod = await podWith((req, res) => void readText(req).then((text) => res.end(String(text.length))));
      const answer = await ask(options('POST', { 'content-length': String(length) }), Buffer.alloc(length, 'x'));
      expect(answer.text).toBe(String(length));
      expect(pod.requests[0]!.headers).toMatchObject({ 'content-length': String(length) });
      expect(pod.requests[0]!.headers).not.toHaveProperty('transfer-encoding');
    });

    it('passes chunks as chunks', async () => {
      await setUp();
      const pod = await podWith((req, res) => void readText(req).then((text) => res.end(String(text.length))));
      const answer = await ask(options('POST', { 'transfer-encoding': 'chunked' }), Buffer.alloc(2 * MiB));
      expect(answer.text).toBe(String(2 * MiB));
      expect(pod.requests[0]!.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    });

    it('passes a body and an answer that wait for each other', async () => {
      await setUp();
      await podWith(
        (req, res) =>
          void req.on('data', (chunk: Buffer) => res.write(`<${chunk.toString()}>`)).on('end', () => res.end()),
      );
      const outgoing = request({ host: '127.0.0.1', ...options('POST') });
      outgoing.write('one');
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      expect(String((await once(response, 'data'))[0])).toBe('<one>');
      outgoing.end('two');
      expect(await readText(response)).toBe('<two>');
    });

    it('lets the client wait with its body until somebody wants it', async () => {
      await setUp();
      await podWith((req, res) => void readText(req).then((text) => res.end(text)));
      let isContinued = false;
      const outgoing = request({
        host: '127.0.0.1',
        ...options('POST', { expect: '100-continue', 'content-length': '4' }),
      });
      outgoing.on('continue', () => void ((isContinued = true), outgoing.end('body')));
      outgoing.flushHeaders();
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      expect([await readText(response), isContinued]).toEqual(['body', true]);
    });

    it('refuses without asking for the body', async () => {
      await setUp();
      const head = `POST ${PROXY} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n`;
      const answer = await rawRequest(harness.url, head);
      expect(answer.text).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer.closed).toBe(true);
    });

    it('answers and goes on with the connection when a small body was not read', async () => {
      await setUp();
      const one = `POST ${PROXY} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n`;
      const answer = await rawRequest(harness.url, [one, '0123456789', one, 'GET / HTTP'], {
        until: /401 [\s\S]*401 [\s\S]*}$/,
      });
      expect(answer).toMatchObject({ closed: false });
      expect(answer.text.match(/HTTP\/1\.1 401/g)).toHaveLength(2);
    });

    it('answers and closes when the rest of the body is long, and the answer arrives whole', async () => {
      await setUp();
      const head = `POST ${PROXY} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n`;
      const pieces = Array.from({ length: 100 }, () => Buffer.alloc(64 * 1_024));
      const answer = await rawRequest(harness.url, [head, ...pieces]);
      expect(answer.closed).toBe(true);
      expect(answer.text).toMatch(/^HTTP\/1\.1 401 [\s\S]*Connection: close[\s\S]*UNAUTHENTICATED[\s\S]*}$/);
    });

    it('lets a pod answer before it has read everything', async () => {
      await setUp();
      await podWith((_req, res) => res.writeHead(413).end('enough'));
      const answer = await ask(options('POST', { 'content-length': String(MiB / 2) }), Buffer.alloc(MiB / 2));
      expect([answer.status, answer.text]).toEqual([413, 'enough']);
    });
  });

  describe('with back-pressure', () => {
    const LARGE = 64 * MiB;

    it('holds the pod back while the client does not read', async () => {
      await setUp();
      let sent = 0;
      await podWith((_req, res) => {
        const chunk = Buffer.alloc(64 * 1_024);
        const pump = (): void => {
          while (sent < LARGE) {
            sent += chunk.length;
            if (!res.write(chunk)) return void res.once('drain', pump);
          }
          res.end();
        };
        res.writeHead(200, { 'content-length': LARGE });
        pump();
      });
      const response = await open(options());
      let before = -1;
      await eventually(() => {
        const isStill = sent === before;
        before = sent;
        if (!isStill) throw new Error('still flowing');
      });
      expect(sent).toBeLessThan(LARGE / 4); // what kernels and streams hold between pod and client
      let received = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) received += chunk.length;
      expect(received).toBe(LARGE);
    });

    it('holds the client back while the pod does not read', async () => {
      await setUp();
      const asked = new Promise<[IncomingMessage, ServerResponse]>(
        (resolve) => void podWith((req, res) => resolve([req, res])),
      );
      await eventually(() => expect(harness.sessions.places.size).toBe(1));
      const outgoing = request({ host: '127.0.0.1', ...options('POST', { 'content-length': String(LARGE) }) });
      const chunk = Buffer.alloc(64 * 1_024);
      let sent = 0;
      const pump = (): void => {
        while (sent < LARGE) {
          sent += chunk.length;
          if (!outgoing.write(chunk)) return void outgoing.once('drain', pump);
        }
        outgoing.end();
      };
      pump();
      const [req, res] = await asked;
      let before = -1;
      await eventually(() => {
        const isStill = sent === before;
        before = sent;
        if (!isStill) throw new Error('still flowing');
      });
      expect(sent).toBeLessThan(LARGE / 4);
      let received = 0;
      for await (const part of req as AsyncIterable<Buffer>) received += part.length;
      res.end(String(received));
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      expect(await readText(response)).toBe(String(LARGE));
    });
  });

  describe('when somebody leaves', () => {
    it('lets go of the pod when the client goes before the answer', async () => {
      await setUp();
      const pod = await podWith(() => undefined);
      const client = new AbortController();
      const asked = open({ ...options(), signal: client.signal });
      await eventually(() => expect(pod.requests).toHaveLength(1));
      client.abort();
      await expect(asked).rejects.toThrow();
      await once(pod.requests[0]!, 'close');
      await released();
    });

    it('lets go of the pod when the client goes in the middle of the answer', async () => {
      await setUp();
      const pod = await podWith((_req, res) => void res.write('begin'));
      const response = await open(options());
      await once(response, 'data');
      response.destroy();
      await eventually(() => expect(pod.sockets.size).toBe(0));
      await released();
    });

    it('does not let a pod take half a body for a whole one when the client goes', async () => {
      await setUp();
      const pod = await podWith((req) => void req.on('error', () => undefined).resume());
      const outgoing = request({ host: '127.0.0.1', ...options('POST', { 'transfer-encoding': 'chunked' }) });
      outgoing.on('error', () => undefined).write('half');
      await eventually(() => expect(pod.requests).toHaveLength(1));
      outgoing.destroy();
      await once(pod.requests[0]!, 'close');
      expect(pod.requests[0]!.complete).toBe(false);
      await released();
    });

    it.each([
      ['chunks', {}],
      ['a length', { 'content-length': '100' }],
    ])('does not end an answer with %s cleanly when the pod dies in the middle of it', async (_name, headers) => {
      await setUp();
      await podWith((_req, res) => void res.writeHead(200, headers).write('half', () => res.socket!.destroy()));
      await expect(ask(options())).rejects.toThrow(/aborted|hang up/);
      await released();
    });

    it('resets an HTTP/1.0 client, to which an end would be a clean one', async () => {
      await setUp();
      await podWith((_req, res) => void res.write('half', () => res.socket!.destroy()));
      const socket = connect(harness.port, '127.0.0.1');
      socket.write(`GET ${PROXY} HTTP/1.0\r\nAuthorization: ${WITH_TOKEN.authorization}\r\n\r\n`);
      socket.resume();
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      expect(error.code).toBe('ECONNRESET');
    });

    it('answers POD_LOST when the pod dies before it answers, and does not send the request again', async () => {
      await setUp();
      const pod = await podWith((req) => void req.socket.destroy());
      for (const [method, body] of [['GET'], ['POST', 'x']] as const) {
        const answer = await ask(options(method), body);
        expect([answer.status, JSON.parse(answer.text)]).toEqual([502, expect.objectContaining({ code: 'POD_LOST' })]);
        expect(answer.headers).toMatchObject({ 'x-session-id': 'a', 'x-session-generation': '1' });
      }
      expect(pod.requests).toHaveLength(2);
      expect(harness.sessions.asked).toHaveLength(2);
    });

    it('answers POD_LOST when what the pod says is not HTTP', async () => {
      await setUp();
      const server = createTcpServer((socket) => void socket.on('error', () => undefined).end('hello?\r\n\r\n'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      harness.sessions.place('a', `127.0.0.1:${(server.address() as AddressInfo).port}`);
      expect(JSON.parse((await ask(options())).text)).toMatchObject({ code: 'POD_LOST' });
      server.close();
    });
  });

  describe('when the pod cannot be reached', () => {
    const bodies = [
      ['nothing', undefined],
      ['a small body', 'small'],
      ['a large body', 'x'.repeat(3 * MiB)],
    ] as const;

    it.each(bodies)('asks for the session anew and sends %s there, whole', async (_name, body) => {
      await setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 0.05 });
      const pod = await podWith((req, res) => void readText(req).then((text) => res.end(String(text.length))), 2);
      harness.sessions.place('a', await nobody(), 1);
      harness.sessions.gate = ({ anew }) => {
        if (anew) harness.sessions.place('a', pod.address, 2);
      };
      const answer = await ask(options(body === undefined ? 'GET' : 'POST'), body);
      expect([answer.status, answer.text]).toEqual([200, String(body?.length ?? 0)]);
      expect(answer.headers['x-session-generation']).toBe('2');
      expect(harness.sessions.asked.map(({ anew }) => anew)).toEqual([false, true]);
    });

    it('goes on dialling until the pod listens', async () => {
      await setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 5 });
      const address = await nobody();
      harness.sessions.place('a', address);
      const asked = ask(options('POST'), 'body');
      await eventually(() => expect(harness.sessions.admitted).toBe(1));
      const pod = await new PodServer((req, res) => void readText(req).then((text) => res.end(text))).start(
        Number(address.split(':')[1]),
      );
      pods.push(pod);
      expect((await asked).text).toBe('body');
      expect(harness.sessions.asked).toHaveLength(1);
    });

    it('gives up with POD_UNREACHABLE, and says that nothing was sent', async () => {
      await setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 0.02 });
      harness.sessions.place('a', await nobody());
      const answer = await ask(options('POST'), 'body');
      expect(answer.status).toBe(502);
      expect(JSON.parse(answer.text)).toMatchObject({
        code: 'POD_UNREACHABLE',
        detail: expect.stringContaining('nothing was sent'),
      });
      expect(harness.sessions.asked).toHaveLength(3);
      await released();
    });

    it('stops dialling a pod that is gone', async () => {
      await setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 60 });
      const gone = await nobody();
      const pod = await podWith((_req, res) => res.end('here'));
      harness.sessions.place('a', gone);
      const asked = ask(options());
      await eventually(() => expect(harness.sessions.admitted).toBe(1));
      harness.sessions.place('a', pod.address, 2);
      harness.sessions.podGone(gone);
      expect((await asked).text).toBe('here');
    });
  });

  describe('when the admission is old', () => {
    it.each([
      ['GET', undefined],
      ['POST', 'body'],
      ['POST', 'x'.repeat(MiB)],
    ])('asks again before the first byte of a %s is sent', async (method, body) => {
      await setUp();
      const stale = await podWith((_req, res) => res.end('stale'), 1);
      const fresh = await podWith((req, res) => void readText(req).then((text) => res.end(String(text.length))), 2);
      harness.sessions.place('a', stale.address, 1);
      let looks = 0;
      harness.sessions.freshness = () => (looks += 1) > 1;
      harness.sessions.gate = ({ anew }) => {
        if (anew) harness.sessions.place('a', fresh.address, 2);
      };
      expect((await ask(options(method), body)).text).toBe(String(body?.length ?? 0));
      expect(stale.requests).toHaveLength(0);
    });
  });

  describe('when the pod says that the session is not its own (421)', () => {
    const notMine: RequestListener = (req, res) => void readText(req).then(() => res.writeHead(421).end('not mine'));

    it('sends a request without a body to where the session is now', async () => {
      await setUp();
      const fresh = await podWith((_req, res) => res.end('mine'), 2);
      await podWith(notMine, 1);
      harness.sessions.gate = ({ anew }) => {
        if (anew) harness.sessions.place('a', fresh.address, 2);
      };
      const answer = await ask(options());
      expect([answer.status, answer.text, answer.headers['x-session-generation']]).toEqual([200, 'mine', '2']);
    });

    it('does not send a body twice', async () => {
      await setUp();
      const fresh = await podWith((_req, res) => res.end('mine'), 2);
      await podWith(notMine, 1);
      harness.sessions.gate = ({ anew }) => {
        if (anew) harness.sessions.place('a', fresh.address, 2);
      };
      const answer = await ask(options('POST'), 'body');
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        502,
        expect.objectContaining({ code: 'POD_UNREACHABLE' }),
      ]);
      expect(fresh.requests).toHaveLength(0);
    });

    it('passes the 421 on when the session is where it was', async () => {
      await setUp();
      const pod = await podWith(notMine);
      const answer = await ask(options('POST'), 'body');
      expect([answer.status, answer.text]).toEqual([421, 'not mine']);
      expect(pod.requests).toHaveLength(1);
      expect(harness.sessions.asked.map(({ anew }) => anew)).toEqual([false, true]);
    });
  });

  describe('when nothing moves', () => {
    it('gives up a pod that does not begin its answer', async () => {
      await setUp({ PROXY_FIRST_BYTE_TIMEOUT_SECONDS: 0.1 });
      await podWith(() => undefined);
      const answer = await ask(options('POST'), 'body');
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        502,
        expect.objectContaining({ code: 'POD_LOST', detail: expect.stringContaining('within 0.1 seconds') }),
      ]);
    });

    it('breaks off an answer that stops coming', async () => {
      await setUp({ PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0.1 });
      await podWith((_req, res) => void res.write('begin'));
      await expect(ask(options())).rejects.toThrow();
    });

    it('ends a body that stops coming, and says so', async () => {
      await setUp({ PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0.1 });
      const pod = await podWith((req) => void req.on('error', () => undefined).resume());
      const outgoing = request({ host: '127.0.0.1', ...options('POST', { 'content-length': '1000' }) });
      outgoing.write('begin');
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      expect(JSON.parse(await readText(response))).toMatchObject({
        code: 'INVALID_REQUEST',
        detail: expect.stringContaining('stopped coming'),
      });
      expect(pod.requests[0]!.complete).toBe(false);
      outgoing.destroy();
    });

    it('lets a stream last for ever that moves in one direction only', async () => {
      await setUp({ PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0.2, PROXY_FIRST_BYTE_TIMEOUT_SECONDS: 0.2 });
      const ticks = 40;
      await podWith((_req, res) => {
        let left = ticks;
        const timer = setInterval(() => {
          res.write('.');
          if (--left > 0) return;
          clearInterval(timer);
          res.end();
        }, 20);
      });
      expect((await ask(options())).text).toHaveLength(ticks);
    });
  });

  describe('over kept connections', () => {
    it('uses a connection to a pod again, and closes it when the pod goes', async () => {
      await setUp();
      const pod = await podWith((_req, res) => res.end('x'));
      for (let times = 0; times < 5; times++) await ask(options());
      expect(pod.sockets.size).toBe(1);
      harness.sessions.podGone(pod.address);
      await eventually(() => expect(pod.sockets.size).toBe(0));
    });

    it('lets what is open to a pod that goes finish within the drain time, and cuts it then', async () => {
      await setUp({ SHUTDOWN_DRAIN_SECONDS: 0.3 });
      let finish: (() => void) | undefined;
      const pod = await podWith((_req, res) => {
        res.write('begin');
        finish = () => res.end('end');
      });
      const first = await open(options());
      harness.sessions.podGone(pod.address);
      finish!();
      expect(await readText(first)).toBe('beginend');
      const second = await open(options());
      harness.sessions.podGone(pod.address);
      await expect(readText(second)).rejects.toThrow();
    });

    it('serves pipelined requests in order', async () => {
      await setUp();
      await podWith((req, res) => void setTimeout(() => res.end(req.url), req.url === '/1' ? 30 : 0));
      const line = (n: number) =>
        `GET ${PROXY}${n} HTTP/1.1\r\nHost: a\r\nAuthorization: ${WITH_TOKEN.authorization}\r\n\r\n`;
      const answer = await rawRequest(harness.url, line(1) + line(2) + line(3), { until: /\/3\r\n0/ });
      expect(answer.text.replace(/[\s\S]*?(\/[123])\r\n0/g, '$1').trim()).toBe('/1/2/3');
    });

    it('lets go of pipelined requests whose client leaves before their turn', async () => {
      await setUp();
      await podWith(() => undefined);
      const one = `GET ${PROXY} HTTP/1.1\r\nHost: a\r\nAuthorization: ${WITH_TOKEN.authorization}\r\n\r\n`;
      const socket = connect(harness.port, '127.0.0.1').on('error', () => undefined);
      socket.write(one + one + one);
      await eventually(() => expect(harness.sessions.admitted).toBe(3));
      socket.destroy();
      await released();
    });
  });
});

/** An address where nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
