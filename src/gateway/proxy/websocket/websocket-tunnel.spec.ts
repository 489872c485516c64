import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { WebSocket } from 'ws';

import { eventually } from '../../../../test/support/eventually.js';
import { WITH_TOKEN } from '../../../../test/support/gateway/edge-harness.js';
import { EdgeWithPods, PROXY } from '../../../../test/support/gateway/edge-with-pods.js';
import { ask } from '../../../../test/support/gateway/pod-server.js';
import { upgradeText, webSocketPod } from '../../../../test/support/gateway/websocket-pod.js';

const edge = new EdgeWithPods();
afterEach(() => edge.tearDown());

const UPGRADE = upgradeText(PROXY, `Authorization: ${WITH_TOKEN.authorization}`);

async function openClient(): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${edge.harness.port}${PROXY}`, { headers: WITH_TOKEN });
  await once(client, 'open');
  return client;
}

async function closed(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

/** Long enough for a drain to show both of its parts; the second one is a fifth of it. */
const DRAIN_MS = 1_000;

describe('an open WebSocket when the replica stops', () => {
  it('is closed with 1012 shortly before the deadline, and what the client answers reaches the pod', async () => {
    await edge.setUp();
    let podSide: Promise<number> | undefined;
    await webSocketPod(edge, (socket) => void (podSide = closed(socket)));
    const client = await openClient();
    const seen = closed(client);
    const drained = edge.harness.edge.drain(DRAIN_MS);
    expect([await seen, await podSide]).toEqual([1012, 1012]);
    expect(await drained).toEqual({ inFlight: 1, cut: 0 });
    await edge.released();
  });

  // WebSockets used to be closed as soon as a drain began, in the middle of whatever was being said on them.
  it('is finished when it ends by itself before that', async () => {
    await edge.setUp();
    await webSocketPod(edge, (socket) => socket.on('message', (text: Buffer) => socket.send(`so ${String(text)}`)));
    const client = await openClient();
    const drained = edge.harness.edge.drain(DRAIN_MS);
    await expect(ask(edge.to())).rejects.toThrow('ECONNREFUSED'); // the drain is under way
    client.send('it goes on');
    const [answer] = (await once(client, 'message')) as [Buffer];
    expect(String(answer)).toBe('so it goes on');
    const seen = closed(client);
    client.close(4000, 'done');
    expect(await seen).toBe(4000);
    expect(await drained).toEqual({ inFlight: 1, cut: 0 });
  });

  it('gets the close between two frames in the middle of a large fragmented message', async () => {
    await edge.setUp();
    const FRAME = 500_000;
    let pod: Socket | undefined;
    const server = await edge.podWith(() => undefined);
    server.server.on('upgrade', (_req, socket: Socket) => {
      pod = socket;
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    });
    const head = (first: number) => Buffer.from([first, 127, 0, 0, 0, 0, ...uint32(FRAME)]);
    const other = await connected();
    expect(await answerTo(other)).toMatch(/^HTTP\/1\.1 101 /);
    const client = connect(edge.harness.port, '127.0.0.1').on('error', () => undefined);
    client.write(UPGRADE);
    const received: Buffer[] = [];
    client.on('data', (chunk: Buffer) => received.push(chunk));
    const bytes = () => received.reduce((sum, { length }) => sum + length, 0);
    await eventually(() => expect(Buffer.concat(received).toString('latin1')).toContain('\r\n\r\n'));
    // A first fragment whole, a second one half: the stop comes in the middle of it.
    pod!.write(Buffer.concat([head(0x02), Buffer.alloc(FRAME, 1), head(0x00), Buffer.alloc(FRAME / 2, 2)]));
    await eventually(() => expect(bytes()).toBeGreaterThan(FRAME * 1.5));
    const drained = edge.harness.edge.drain(DRAIN_MS);
    await once(other, 'data'); // which has nothing to wait for, and is told at once
    pod!.write(Buffer.concat([Buffer.alloc(FRAME / 2, 2), head(0x00), Buffer.alloc(1_000, 3)]));
    await once(client, 'end');
    const stream = Buffer.concat(received);
    const frames = stream.subarray(stream.indexOf('\r\n\r\n') + 4);
    const boundary = 2 * (10 + FRAME);
    expect(frames.subarray(boundary, boundary + 4)).toEqual(
      Buffer.from([0x88, frames.length - boundary - 2, 0x03, 0xf4]),
    );
    expect(frames.subarray(0, boundary).every((byte, at) => byte === expectedAt(at, FRAME, head))).toBe(true);
    client.destroy();
    other.destroy();
    await drained;
  });

  it('is not told twice when the pod has said goodbye itself', async () => {
    await edge.setUp();
    await webSocketPod(edge, (socket) => socket.close(4001, 'mine'));
    const client = new WebSocket(`ws://127.0.0.1:${edge.harness.port}${PROXY}`, { headers: WITH_TOKEN });
    const seen = closed(client);
    await once(client, 'open');
    const drained = edge.harness.edge.drain(5_000);
    expect(await seen).toBe(4001);
    await drained;
  });

  it('does not hold up the stop when its client does not answer', async () => {
    await edge.setUp();
    const pod = await webSocketPod(edge, () => undefined);
    const client = connect(edge.harness.port, '127.0.0.1').on('error', () => undefined);
    client.write(UPGRADE);
    await once(client, 'data');
    client.pause();
    expect(await edge.harness.edge.drain(300)).toEqual({ inFlight: 1, cut: 1 });
    await eventually(() => expect(pod.sockets.size).toBe(0));
    client.destroy();
  });

  it('is closed as soon as it is open when it was held until the others were closed', async () => {
    await edge.setUp();
    await webSocketPod(edge, () => undefined);
    const goodbye = closed(await openClient());
    let letIn: (() => void) | undefined;
    edge.harness.sessions.gate = () => new Promise<void>((resolve) => (letIn = resolve));
    const client = new WebSocket(`ws://127.0.0.1:${edge.harness.port}${PROXY}`, { headers: WITH_TOKEN });
    const seen = closed(client);
    await eventually(() => expect(letIn).toBeDefined());
    const drained = edge.harness.edge.drain(DRAIN_MS);
    await goodbye;
    letIn!();
    expect(await seen).toBe(1012);
    expect(await drained).toEqual({ inFlight: 2, cut: 0 });
  });

  it('is still accepted while a drain goes on, and refused once those that are open are closed', async () => {
    await edge.setUp();
    await webSocketPod(edge, () => undefined);
    const [early, midway, late] = [await connected(), await connected(), await connected()];
    edge.harness.edge.stopKeepingAlive();
    expect(await answerTo(early)).toMatch(/^HTTP\/1\.1 101 /);
    const goodbye = once(early, 'data');
    const drained = edge.harness.edge.drain(DRAIN_MS);
    expect(await answerTo(midway)).toMatch(/^HTTP\/1\.1 101 /);
    await goodbye;
    expect(await answerTo(late)).toMatch(/^HTTP\/1\.1 503 [\s\S]*SHUTTING_DOWN/);
    for (const client of [early, midway, late]) client.destroy();
    await drained;
  });

  async function connected(): Promise<Socket> {
    const client = connect(edge.harness.port, '127.0.0.1').on('error', () => undefined);
    await once(client, 'connect');
    return client;
  }

  async function answerTo(client: Socket): Promise<string> {
    client.write(UPGRADE);
    const [answer] = (await once(client, 'data')) as [Buffer];
    return answer.toString();
  }
});

describe('an open WebSocket on which nothing moves', () => {
  it('is closed with 1001 after the idle time', async () => {
    await edge.setUp({ PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0.1 });
    await webSocketPod(edge, () => undefined);
    expect(await closed(await openClient())).toBe(1001);
  });

  it('stays open while anything moves', async () => {
    await edge.setUp({ PROXY_IDLE_STREAM_TIMEOUT_SECONDS: 0.5 });
    await webSocketPod(edge, (socket) => void socket.on('message', () => undefined));
    const client = await openClient();
    const seen = closed(client);
    let sent = 0;
    const timer = setInterval(() => (sent < 40 ? client.send(String((sent += 1))) : client.close(1000)), 25);
    expect(await seen).toBe(1000);
    clearInterval(timer);
  });
});

it('holds the pod back while the client does not read', async () => {
  await edge.setUp();
  let podSocket: WebSocket | undefined;
  await webSocketPod(edge, (socket) => (podSocket = socket));
  const client = await openClient();
  client.pause();
  for (let n = 0; n < 640; n++) podSocket!.send(Buffer.alloc(100_000));
  await eventually(() => expect(podSocket!.bufferedAmount).toBeLessThan(64_000_000));
  expect(podSocket!.bufferedAmount).toBeGreaterThan(32_000_000); // the rest waits in the pod, not in Berth
  let received = 0;
  client.on('message', () => (received += 1));
  client.resume();
  await eventually(() => expect(received).toBe(640));
  client.terminate();
});

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

function expectedAt(at: number, frame: number, head: (first: number) => Buffer): number {
  const inFrame = at % (10 + frame);
  const isFirst = at < 10 + frame;
  if (inFrame < 10) return head(isFirst ? 0x02 : 0x00)[inFrame]!;
  return isFirst ? 1 : 2;
}
