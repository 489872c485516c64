import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';

import { WebSocket } from 'ws';

import { eventually } from '../../../../test/support/eventually.js';
import { TOKEN, WITH_TOKEN } from '../../../../test/support/gateway/edge-harness.js';
import { EdgeWithPods, nobody, PROXY } from '../../../../test/support/gateway/edge-with-pods.js';
import { echo, upgradeText, webSocketPod } from '../../../../test/support/gateway/websocket-pod.js';

const edge = new EdgeWithPods();
const clients: WebSocket[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate();
  await edge.tearDown();
});

function client(path = PROXY, protocols: string[] = [], headers: object = WITH_TOKEN): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${edge.harness.port}${path}`, protocols, { headers: { ...headers } });
  socket.on('error', () => undefined);
  clients.push(socket);
  return socket;
}

async function opened(socket: WebSocket): Promise<WebSocket> {
  await once(socket, 'open');
  return socket;
}

async function answered(socket: WebSocket): Promise<Buffer | string> {
  const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  return isBinary ? data : data.toString();
}

async function closed(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return { code, reason: reason.toString() };
}

describe('a WebSocket to a session', () => {
  it('carries text, binary, empty and large messages both ways', async () => {
    await edge.setUp();
    await webSocketPod(edge, echo);
    const socket = await opened(client());
    for (const message of ['text', '', 'x'.repeat(3_000_000), Buffer.from([0, 255, 1]), Buffer.alloc(200_000, 7)]) {
      socket.send(message);
      expect(await answered(socket)).toEqual(message);
    }
  });

  it('carries pings, fragments and compressed messages as they are', async () => {
    await edge.setUp();
    await webSocketPod(edge, echo, { perMessageDeflate: { threshold: 0 } });
    const socket = await opened(client());
    socket.ping('are you there');
    expect(String((await once(socket, 'pong'))[0])).toBe('are you there');
    socket.send('frag', { fin: false });
    socket.send('mented', { fin: true });
    expect(await answered(socket)).toBe('fragmented');
    expect(socket.extensions).toContain('permessage-deflate');
  });

  it.each([
    [1000, 'done'],
    [1001, ''],
    [3999, 'mine'],
    [4000, 'yours'],
  ])('carries close code %i from either side', async (code, reason) => {
    await edge.setUp();
    let heard: Promise<{ code: number; reason: string }> | undefined;
    await webSocketPod(edge, (socket, req) => {
      if (req.url === '/pod-closes') socket.close(code, reason);
      else heard = closed(socket);
    });
    expect(await closed(client(`${PROXY}pod-closes`))).toEqual({ code, reason });
    const socket = await opened(client());
    socket.close(code, reason);
    expect(await closed(socket)).toEqual({ code, reason });
    expect(await heard).toEqual({ code, reason });
  });

  it('shows the pod the path, the session and the client, but no token', async () => {
    await edge.setUp();
    let seen: IncomingMessage | undefined;
    await webSocketPod(edge, (_socket, req) => (seen = req));
    const headers = {
      ...WITH_TOKEN,
      'X-Session-Id': 'forged',
      'X-Remote-User': 'root',
      cookie: 'c=1',
      'x-many': ['1', '2'],
    };
    const socket = client(`${PROXY}chat//x%2F..;y?room=1`, [], headers);
    const [response] = (await once(socket, 'upgrade')) as [IncomingMessage];
    expect(seen!.url).toBe('/chat//x%2F..;y?room=1');
    expect(seen!.headers).toMatchObject({
      'x-session-id': 'a',
      'x-session-generation': '1',
      'x-forwarded-for': '127.0.0.1',
      'x-request-id': response.headers['x-request-id'],
      'x-many': '1, 2',
      cookie: 'c=1',
      host: `127.0.0.1:${edge.harness.port}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
    });
    expect(seen!.headers).not.toHaveProperty('authorization');
    expect(seen!.headers).not.toHaveProperty('x-remote-user');
    expect(response.headers).toMatchObject({
      'x-session-id': 'a',
      'x-session-generation': '1',
      'x-session-start': 'none',
    });
  });

  it('goes to the session named in a header too', async () => {
    await edge.setUp();
    await webSocketPod(edge, echo);
    const socket = await opened(client('/any/path', [], { ...WITH_TOKEN, 'X-Session-ID': 'a' }));
    socket.send('hello');
    expect(await answered(socket)).toBe('hello');
  });

  it.each([
    ['alone', [`berth.bearer.${TOKEN}`], undefined, `berth.bearer.${TOKEN}`],
    ['beside others, of which the pod takes one', ['chat', `berth.bearer.${TOKEN}`], 'chat', 'chat'],
  ])('takes a token as a subprotocol, %s', async (_name, offered, podSees, chosen) => {
    await edge.setUp();
    let seen: IncomingMessage | undefined;
    await webSocketPod(edge, (_socket, req) => (seen = req));
    const socket = await opened(client(PROXY, offered, {}));
    expect(socket.protocol).toBe(chosen);
    expect(seen!.headers['sec-websocket-protocol']).toBe(podSees);
    expect(edge.harness.logger.text).not.toContain(TOKEN);
  });

  it('counts as in use until it is closed, and no longer', async () => {
    await edge.setUp();
    await webSocketPod(edge, echo);
    const socket = await opened(client());
    expect(edge.harness.sessions.inUse).toBe(1);
    socket.close();
    await edge.released();
    expect(edge.harness.sessions.released).toBe(1);
    expect(edge.harness.logger.of('http')).toEqual([
      expect.objectContaining({ status: 101, sessionId: 'a', path: PROXY }),
    ]);
  });

  it('ends with the pod, and lets go of it when the client dies', async () => {
    await edge.setUp();
    const pod = await webSocketPod(edge, echo);
    const first = await opened(client());
    for (const socket of pod.sockets) socket.destroy();
    expect(await closed(first)).toMatchObject({ code: 1006 });
    const second = await opened(client());
    await eventually(() => expect(pod.sockets.size).toBe(1));
    second.terminate();
    await eventually(() => expect(pod.sockets.size).toBe(0));
  });

  it('is held until its session can be reached', async () => {
    await edge.setUp();
    await webSocketPod(edge, echo);
    let letIn: (() => void) | undefined;
    edge.harness.sessions.gate = () => new Promise<void>((resolve) => (letIn = resolve));
    const socket = client();
    await eventually(() => expect(letIn).toBeDefined());
    letIn!();
    await opened(socket);
  });

  it('lets a client go that leaves while it is held', async () => {
    await edge.setUp();
    await webSocketPod(edge, echo);
    const aborted = new Promise((resolve) => {
      edge.harness.sessions.gate = ({ signal }) =>
        new Promise((_go, refuse) => signal.addEventListener('abort', () => resolve(refuse(new Error('gone')))));
    });
    const socket = connect(edge.harness.port, '127.0.0.1');
    socket.write(upgradeText(PROXY, `Authorization: ${WITH_TOKEN.authorization}`));
    await eventually(() => expect(edge.harness.sessions.asked).toHaveLength(1));
    socket.end();
    await aborted;
    socket.destroy();
  });

  it('is dialled anew where the session is now', async () => {
    await edge.setUp({ PROXY_CONNECT_TIMEOUT_SECONDS: 0.02 });
    const pod = await webSocketPod(edge, echo);
    edge.harness.sessions.place('a', await nobody(), 1);
    edge.harness.sessions.gate = ({ after }) => {
      if (after) edge.harness.sessions.place('a', pod.address, 2);
    };
    const [response] = (await once(client(), 'upgrade')) as [IncomingMessage];
    expect(response.headers['x-session-generation']).toBe('2');
  });

  it('is not sent to a pod on an old admission', async () => {
    await edge.setUp();
    await webSocketPod(edge, echo);
    let looks = 0;
    edge.harness.sessions.freshness = () => (looks += 1) > 1;
    await opened(client());
    expect(edge.harness.sessions.asked.map(({ after }) => after?.entered)).toEqual([undefined, 1]);
  });
});
