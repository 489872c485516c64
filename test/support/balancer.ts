import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import { BerthClient } from './berth-client.js';
import type { BerthProcess } from './berth-process.js';
import { eventually } from './eventually.js';

const ASK_EVERY_MS = 200;
/** From an answer of the readiness probe to the last node that has heard of it. */
const SPREAD_MS = 500;
/** A connection is refused at once, or made by the kernel; what takes long is this process itself. */
const DIAL_LIMIT_MS = 10_000;

/**
 * What a Kubernetes Service is to its clients: new connections go to replicas that are believed to be ready, which is
 * found out with a delay; connections that stand are left alone, whatever becomes of their replica. It looks into no
 * byte, and repeats none. A connection that is refused goes to the next replica, as with every proxy worth its name;
 * how often that was needed is counted, for a replica that stops has no business refusing any.
 */
export class Balancer {
  readonly client: BerthClient;
  refused = 0;
  private readonly server: Server;
  private readonly backends: Backend[] = [];
  private readonly sockets = new Set<Socket>();
  private turn = 0;

  private constructor(server: Server) {
    this.server = server.on('connection', (socket) => void this.pass(socket));
    const { port } = server.address() as AddressInfo;
    this.client = new BerthClient(`http://127.0.0.1:${port}`, '');
    running.add(this);
  }

  static async start(): Promise<Balancer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Balancer(server);
  }

  /** Once new connections go there, too. */
  async add(replica: BerthProcess): Promise<void> {
    const backend = new Backend(replica.url);
    this.backends.push(backend);
    await eventually(() => expect(backend.isServing).toBe(true), 30_000);
  }

  /** A replica that has gone: its address may be another's. */
  remove(replica: BerthProcess): void {
    const at = this.backends.findIndex(({ url }) => url.href === new URL(replica.url).href);
    for (const gone of at < 0 ? [] : this.backends.splice(at, 1)) gone.stop();
  }

  async stop(): Promise<void> {
    running.delete(this);
    for (const backend of this.backends.splice(0)) backend.stop();
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await this.client.close();
  }

  private async pass(client: Socket): Promise<void> {
    this.keep(client);
    const replica = await this.dial();
    if (!replica || client.destroyed) return void [client, replica].forEach((socket) => socket?.destroy());
    join(client, this.keep(replica));
    join(replica, client);
  }

  private async dial(): Promise<Socket | undefined> {
    const serving = this.backends.filter(({ isServing }) => isServing);
    this.turn += 1;
    for (let tries = 0; tries < serving.length; tries += 1) {
      const { hostname: host, port } = serving[(this.turn + tries) % serving.length]!.url;
      const socket = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
      try {
        await once(socket, 'connect', { signal: AbortSignal.timeout(DIAL_LIMIT_MS) });
        return socket;
      } catch {
        this.refused += 1;
        socket.destroy();
      }
    }
    return undefined;
  }

  private keep(socket: Socket): Socket {
    this.sockets.add(socket);
    return socket.on('error', () => undefined).once('close', () => this.sockets.delete(socket));
  }
}

/** All that comes from one side goes to the other: bytes, the end, and a reset as a reset. */
function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.once('error', () => to.resetAndDestroy());
  from.once('close', () => from.readableEnded || to.destroy());
  if (from.destroyed) to.destroy();
}

/** One replica as its endpoint shows it. */
class Backend {
  isServing = false;
  readonly url: URL;
  private readonly asking: BerthClient;
  private readonly stopping = new AbortController();

  constructor(url: string) {
    this.url = new URL(url);
    this.asking = new BerthClient(url, '');
    void this.run();
  }

  stop(): void {
    this.isServing = false;
    this.stopping.abort();
    void this.asking.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const isReady = await this.asking.call('GET', '/health/ready').then(
        ({ status }) => status === 200,
        () => false,
      );
      void pause(SPREAD_MS, undefined, { signal, ref: false }).then(
        () => (this.isServing = isReady),
        () => undefined,
      );
      await pause(ASK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/** A test that failed did not come to stop its own. */
const running = new Set<Balancer>();
afterAll(() => Promise.all([...running].map((balancer) => balancer.stop())));
