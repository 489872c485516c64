import { once } from 'node:events';
import { type IncomingMessage, request, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';

import { eventually } from '../../../test/support/eventually.js';
import { WITH_TOKEN } from '../../../test/support/gateway/edge-harness.js';
import { cutOff, EdgeWithPods, MiB, PROXY } from '../../../test/support/gateway/edge-with-pods.js';
import { ask, open, readText } from '../../../test/support/gateway/pod-server.js';

const edge = new EdgeWithPods();
afterEach(() => edge.tearDown());

describe('when somebody leaves', () => {
  it('lets go of the pod when the client goes before the answer', async () => {
    await edge.setUp();
    const pod = await edge.podWith(() => undefined);
    const client = new AbortController();
    const asked = open({ ...edge.to(), signal: client.signal });
    await eventually(() => expect(pod.requests).toHaveLength(1));
    client.abort();
    await expect(asked).rejects.toThrow();
    await cutOff(pod.requests[0]!);
    await edge.released();
  });

  it('lets go of the pod when the client goes in the middle of the answer', async () => {
    await edge.setUp();
    const pod = await edge.podWith((_req, res) => void res.write('begin'));
    const response = await open(edge.to());
    await once(response, 'data');
    response.destroy();
    await eventually(() => expect(pod.sockets.size).toBe(0));
    await edge.released();
  });

  it('does not let a pod take half a body for a whole one when the client goes', async () => {
    await edge.setUp();
    const pod = await edge.podWith((req) => void req.on('error', () => undefined).resume());
    const outgoing = request(edge.to('POST', { 'transfer-encoding': 'chunked' }));
    outgoing.on('error', () => undefined).write('half');
    await eventually(() => expect(pod.requests).toHaveLength(1));
    outgoing.destroy();
    await cutOff(pod.requests[0]!);
    expect(pod.requests[0]!.complete).toBe(false);
    await edge.released();
  });

  it.each([
    ['chunks', {}],
    ['a length', { 'content-length': '100' }],
  ])('does not end an answer with %s cleanly when the pod dies in the middle of it', async (_name, headers) => {
    await edge.setUp();
    await edge.podWith((_req, res) => void res.writeHead(200, headers).write('half', () => res.socket!.destroy()));
    await expect(ask(edge.to())).rejects.toThrow(/aborted|hang up/);
    await edge.released();
  });

  it('resets an HTTP/1.0 client, to which an end would be a clean one', async () => {
    await edge.setUp();
    await edge.podWith((_req, res) => void res.write('half', () => res.socket!.destroy()));
    const socket = connect(edge.harness.port, '127.0.0.1');
    socket.write(`GET ${PROXY} HTTP/1.0\r\nAuthorization: ${WITH_TOKEN.authorization}\r\n\r\n`);
    socket.resume();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
  });

  it('answers POD_LOST when the pod dies before it answers, and does not send the request again', async () => {
    await edge.setUp();
    const pod = await edge.podWith((req) => void req.socket.destroy());
    for (const [method, body] of [['GET'], ['POST', 'x']] as const) {
      const answer = await ask(edge.to(method), body);
      expect([answer.status, JSON.parse(answer.text)]).toEqual([502, expect.objectContaining({ code: 'POD_LOST' })]);
      expect(answer.headers).toMatchObject({ 'x-session-id': 'a', 'x-session-generation': '1' });
    }
    expect(pod.requests).toHaveLength(2);
    expect(edge.harness.sessions.asked).toHaveLength(2);
  });

  it('answers POD_LOST when what the pod says is not HTTP', async () => {
    await edge.setUp();
    const server = createTcpServer((socket) => void socket.on('error', () => undefined).end('hello?\r\n\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    edge.harness.sessions.place('a', `127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(JSON.parse((await ask(edge.to())).text)).toMatchObject({ code: 'POD_LOST' });
    server.close();
  });
});

describe('when the admission is old', () => {
  it.each([
    ['GET', undefined],
    ['POST', 'body'],
    ['POST', 'x'.repeat(MiB)],
  ])('asks again before the first byte of a %s is sent', async (method, body) => {
    await edge.setUp();
    const stale = await edge.podWith((_req, res) => res.end('stale'), 1);
    const fresh = await edge.podWith((req, res) => void readText(req).then((text) => res.end(String(text.length))), 2);
    edge.harness.sessions.place('a', stale.address, 1);
    let looks = 0;
    edge.harness.sessions.freshness = () => (looks += 1) > 1;
    edge.harness.sessions.gate = ({ after }) => {
      if (after) edge.harness.sessions.place('a', fresh.address, 2);
    };
    expect((await ask(edge.to(method), body)).text).toBe(String(body?.length ?? 0));
    expect(stale.requests).toHaveLength(0);
  });
});

describe('when the pod says that the session is not its own (421)', () => {
  const notMine: RequestListener = (req, res) => void readText(req).then(() => res.writeHead(421).end('not mine'));

  it('sends a request without a body to where the session is now', async () => {
    await edge.setUp();
    const fresh = await edge.podWith((_req, res) => res.end('mine'), 2);
    await edge.podWith(notMine, 1);
    edge.harness.sessions.gate = ({ after }) => {
      if (after) edge.harness.sessions.place('a', fresh.address, 2);
    };
    const answer = await ask(edge.to());
    expect([answer.status, answer.text, answer.headers['x-session-generation']]).toEqual([200, 'mine', '2']);
    // What was asked in between is the newest that is known.
    expect(edge.harness.sessions.asked.map(({ after }) => after?.entered)).toEqual([undefined, 1, 2]);
  });

  it('does not send a body twice', async () => {
    await edge.setUp();
    const fresh = await edge.podWith((_req, res) => res.end('mine'), 2);
    await edge.podWith(notMine, 1);
    edge.harness.sessions.gate = ({ after }) => {
      if (after) edge.harness.sessions.place('a', fresh.address, 2);
    };
    const answer = await ask(edge.to('POST'), 'body');
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      502,
      expect.objectContaining({ code: 'POD_UNREACHABLE' }),
    ]);
    expect(fresh.requests).toHaveLength(0);
  });

  it('passes the 421 on when the session is where it was', async () => {
    await edge.setUp();
    const pod = await edge.podWith(notMine);
    const answer = await ask(edge.to('POST'), 'body');
    expect([answer.status, answer.text]).toEqual([421, 'not mine']);
    expect(pod.requests).toHaveLength(1);
    expect(edge.harness.sessions.asked.map(({ after }) => after?.entered)).toEqual([undefined, 1]);
  });
});

describe('when nothing moves', () => {
  it('gives up a pod that does not begin its answer', async () => {
    await edge.setUp({ PROXY_FIRST_BYTE_TIMEOUT_SECONDS: 0.1 });
    await edge.podWith(() => undefined);
    const answer = await ask(edge.to('POST'), 'body');
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      502,
      expect.objectContaining({ code: 'POD_LOST', detail: expect.stringContaining('within 0.1 seconds') }),
    ]);
  });

  it('breaks off an answer that stops coming', async () => {
    await edge.setUp({ PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0.1 });
    await edge.podWith((_req, res) => void res.write('begin'));
    await expect(ask(edge.to())).rejects.toThrow();
  });

  it('ends a body that stops coming, and says so', async () => {
    await edge.setUp({ PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0.1 });
    const pod = await edge.podWith((req) => void req.on('error', () => undefined).resume());
    const outgoing = request(edge.to('POST', { 'content-length': '1000' }));
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
    await edge.setUp({ PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0.4, PROXY_FIRST_BYTE_TIMEOUT_SECONDS: 0.4 });
    const ticks = 40;
    await edge.podWith((_req, res) => {
      let left = ticks;
      const timer = setInterval(() => {
        res.write('.');
        if (--left > 0) return;
        clearInterval(timer);
        res.end();
      }, 20);
    });
    expect((await ask(edge.to())).text).toHaveLength(ticks);
  });
});
