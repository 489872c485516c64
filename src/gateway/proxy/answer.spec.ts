import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { eventually } from '../../../test/support/eventually.js';
import { EdgeWithPods, MiB, PROXY, settledCount } from '../../../test/support/gateway/edge-with-pods.js';
import { ask, open, readText } from '../../../test/support/gateway/pod-server.js';
import { SystemClock } from '../../platform/clock.js';
import { Answer } from './answer.js';
import type { HttpExchange } from './exchange.js';

const unasked = (): never => {
  throw new Error('nothing holds this answer up');
};

/** By which of its calls Node has the kernel write. */
function noteWrites(socket: Socket, writes: string[]): void {
  const { _handle: handle } = socket as unknown as { _handle: Record<string, (...what: unknown[]) => unknown> };
  for (const name of ['writev', 'writeBuffer', 'writeLatin1String', 'writeUtf8String', 'writeAsciiString']) {
    const write = handle[name]!.bind(handle);
    handle[name] = (...what) => {
      writes.push(name);
      return write(...what);
    };
  }
}

const edge = new EdgeWithPods();
afterEach(() => edge.tearDown());

describe('whatever the form of the answer', () => {
  const forms: [string, string, RequestListener, object][] = [
    ['with a length', 'GET', (_req, res) => res.writeHead(200, { 'content-length': 3 }).end('abc'), { text: 'abc' }],
    ['in chunks', 'GET', (_req, res) => void (res.write('a'), res.write('b'), res.end('c')), { text: 'abc' }],
    ['to HEAD', 'HEAD', (_req, res) => res.writeHead(200, { 'content-length': 30 }).end(), { text: '' }],
    ['204', 'DELETE', (_req, res) => res.writeHead(204).end(), { status: 204, text: '' }],
    ['304', 'GET', (_req, res) => res.writeHead(304, { etag: '"1"' }).end(), { status: 304, text: '' }],
    ['a reason of its own', 'GET', (_req, res) => res.writeHead(299, 'Quite So').end('x'), { status: 299, text: 'x' }],
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
    await edge.setUp();
    await edge.podWith(handler);
    const answer = await ask(edge.to(method));
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, ...expected });
    await edge.released();
  });

  it.each([1, 255, 8 * 1_024, 8 * 1_024 + 1])('passes %s bytes of any value unchanged', async (length) => {
    const body = Buffer.from(Array.from({ length }, (_, at) => (255 - at) & 255));
    await edge.setUp();
    await edge.podWith((req, res) => {
      if (req.url === '/length') res.setHeader('content-length', length);
      res.write(body);
      res.end();
    });
    for (const path of ['length', 'chunks']) {
      const response = await open({ ...edge.to(), path: `${PROXY}${path}` });
      const pieces: Buffer[] = [];
      for await (const piece of response) pieces.push(piece as Buffer);
      expect(Buffer.concat(pieces).equals(body)).toBe(true);
    }
  });

  it('puts head and body of a small answer into one plain write', async () => {
    const server = createServer((req, res) => {
      const answer = new Answer({ req, res } as HttpExchange, new SystemClock(), unasked, unasked);
      answer.begin(200, 'OK', ['content-length', '3'], 3);
      answer.write(Buffer.from('abc'));
      answer.end([]);
    });
    const writes: string[] = [];
    server.on('connection', (socket) => noteWrites(socket, writes));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    expect((await ask({ host: '127.0.0.1', port })).text).toBe('abc');
    server.close();
    expect(writes).toEqual(['writeLatin1String']);
  });

  it('keeps the length where there is one, and chunks where there are chunks', async () => {
    await edge.setUp();
    await edge.podWith((req, res) => {
      if (req.url === '/length') res.setHeader('content-length', 1);
      res.write('x');
      res.end();
    });
    const [withLength, inChunks] = [await ask({ ...edge.to(), path: `${PROXY}length` }), await ask(edge.to())];
    expect(withLength.headers).toMatchObject({ 'content-length': '1' });
    expect(withLength.headers).not.toHaveProperty('transfer-encoding');
    expect(inChunks.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
  });

  it('passes trailers, several cookies and early hints', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' });
      res.writeHead(200, { trailer: 'X-Sum', 'set-cookie': ['a=1', 'b=2'] });
      res.write('body');
      res.addTrailers({ 'X-Sum': '42' });
      res.end();
    });
    const hints: unknown[] = [];
    const outgoing = request(edge.to()).on('information', (hint) => hints.push(hint.statusCode));
    const [response] = (await once(outgoing.end(), 'response')) as [IncomingMessage];
    expect(await readText(response)).toBe('body');
    expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(response.trailers).toEqual({ 'x-sum': '42' });
    expect(hints).toEqual([103]);
  });

  it('passes an answer whose early hints are more than Node likes to pass', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => {
      const { socket } = res;
      socket?.write(
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; title="two words", </b.js>; rel=x\r\n\r\n',
      );
      res.end('whole');
    });
    const answer = await ask(edge.to());
    expect([answer.status, answer.text]).toEqual([200, 'whole']);
  });

  it('shows the head of an answer whose body takes its time', async () => {
    await edge.setUp();
    let answering: ServerResponse | undefined;
    await edge.podWith((_req, res) => {
      answering = res.writeHead(200, { 'content-type': 'text/event-stream' });
      answering.flushHeaders();
    });
    const response = await open(edge.to());
    expect(response.headers['content-type']).toBe('text/event-stream');
    const first = once(response, 'data');
    answering!.write('data: 1\n\n');
    expect(String((await first)[0])).toBe('data: 1\n\n');
    answering!.end();
    expect(await readText(response)).toBe('');
  });
});

describe('with back-pressure', () => {
  const LARGE = 64 * MiB;

  it('holds the pod back while the client does not read', async () => {
    await edge.setUp();
    let sent = 0;
    await edge.podWith((_req, res) => {
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
    const response = await open(edge.to());
    expect(await settledCount(() => sent)).toBeLessThan(LARGE / 4); // what kernels and streams hold between pod and client
    let received = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) received += chunk.length;
    expect(received).toBe(LARGE);
  });

  it('holds the client back while the pod does not read', async () => {
    await edge.setUp();
    let asked: [IncomingMessage, ServerResponse] | undefined;
    await edge.podWith((...both) => (asked = both));
    const outgoing = request(edge.to('POST', { 'content-length': String(LARGE) }));
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
    const [req, res] = await eventually(() => asked ?? Promise.reject(new Error('not asked yet')));
    expect(await settledCount(() => sent)).toBeLessThan(LARGE / 4);
    let received = 0;
    for await (const part of req as AsyncIterable<Buffer>) received += part.length;
    res.end(String(received));
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(await readText(response)).toBe(String(LARGE));
  });
});
