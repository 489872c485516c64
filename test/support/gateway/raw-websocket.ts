import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { WITH_TOKEN } from './edge-harness.js';
import { type EdgeWithPods, PROXY } from './edge-with-pods.js';
import { upgradeText } from './websocket-pod.js';

const HEAD_END = '\r\n\r\n';
const SWITCHING = Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');

/** One end of a WebSocket as a bare connection: it writes exactly what it is told to and keeps all that it hears. */
export class RawEnd {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  private headBytes?: number;
  /** The other side has finished, or has gone. */
  isOver = false;
  /** Nothing is left of the connection. */
  isClosed = false;
  private notice = (): void => undefined;

  constructor(private readonly socket: Socket) {
    socket.on('error', () => undefined).setNoDelay();
    socket.on('data', (chunk: Buffer) => this.hear(chunk));
    socket.once('end', () => this.finish()).once('close', () => this.close());
  }

  /** What came after the head of the handshake. */
  get heard(): Buffer {
    return Buffer.concat(this.chunks).subarray(this.headBytes);
  }

  send(...pieces: Buffer[]): void {
    for (const piece of pieces) this.socket.write(piece);
  }

  /** Says that it has nothing more to say; it goes on listening. */
  finishSending(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  async untilHead(): Promise<void> {
    await this.until(() => this.headBytes !== undefined);
  }

  async untilHeard(bytes: number): Promise<void> {
    await this.until(() => this.headBytes !== undefined && this.bytes - this.headBytes >= bytes);
  }

  async untilOver(): Promise<void> {
    await this.until(() => this.isOver);
  }

  private async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.isOver) throw new Error(`over after ${this.bytes} bytes`);
      await new Promise<void>((resolve) => (this.notice = resolve));
    }
  }

  private hear(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    if (this.headBytes === undefined) this.lookForHead();
    this.notice();
  }

  private lookForHead(): void {
    const at = Buffer.concat(this.chunks).indexOf(HEAD_END);
    if (at >= 0) this.headBytes = at + HEAD_END.length;
  }

  private close(): void {
    this.isClosed = true;
    this.finish();
  }

  private finish(): void {
    this.isOver = true;
    this.notice();
  }
}

export interface Ends {
  client: RawEnd;
  pod: RawEnd;
}

export interface Early {
  /** In one piece with the head of the client, and of the pod. */
  fromClient?: Buffer;
  fromPod?: Buffer;
  /** Called as soon as the client has sent its head, before anything is answered. */
  meanwhile?: (client: RawEnd) => Promise<void>;
}

const NOTHING = Buffer.alloc(0);

/** Opens WebSockets between a bare client and a bare pod of session `a`, and leaves none of them behind. */
export class RawWebSockets {
  private readonly undo: (() => void)[] = [];

  constructor(private readonly edge: EdgeWithPods) {}

  async open({ fromClient = NOTHING, fromPod = NOTHING, meanwhile }: Early = {}): Promise<Ends> {
    const server = await this.podServer();
    const accepted = once(server, 'connection').then(([socket]) => this.accept(socket as Socket, fromPod));
    const client = this.end(connect({ port: this.edge.harness.port, host: '127.0.0.1', allowHalfOpen: true }));
    const head = upgradeText(PROXY, `Authorization: ${WITH_TOKEN.authorization}`);
    client.send(Buffer.concat([Buffer.from(head), fromClient]));
    await meanwhile?.(client);
    const pod = await accepted;
    await client.untilHead();
    return { client, pod };
  }

  close(): void {
    for (const undo of this.undo.splice(0)) undo();
  }

  private async podServer(): Promise<Server> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    this.undo.push(() => void server.close());
    await once(server, 'listening');
    this.edge.harness.sessions.place('a', `127.0.0.1:${(server.address() as AddressInfo).port}`);
    return server;
  }

  private async accept(socket: Socket, early: Buffer): Promise<RawEnd> {
    const pod = this.end(socket);
    await pod.untilHead();
    pod.send(Buffer.concat([SWITCHING, early]));
    return pod;
  }

  private end(socket: Socket): RawEnd {
    const end = new RawEnd(socket);
    this.undo.push(() => end.destroy());
    return end;
  }
}

/** Says where two long buffers differ, and not what is in them. */
export function expectSame(heard: Buffer, sent: Buffer): void {
  const differsAt = heard.equals(sent) ? -1 : [...sent].findIndex((byte, at) => heard[at] !== byte);
  expect({ bytes: heard.length, differsAt }).toEqual({ bytes: sent.length, differsAt: -1 });
}

export function bytesIn(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
