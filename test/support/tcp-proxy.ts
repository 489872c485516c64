import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What becomes of the bytes of one direction. `freeze`: nothing gets through, and nobody is told. `break`: the first
 * byte breaks its connection. `lateMs`: all of it, later.
 */
export type Treatment = 'pass' | 'freeze' | 'break' | { lateMs: number };

/** `requests` go to the server, `answers` come from it. */
export interface Treatments {
  requests: Treatment;
  answers: Treatment;
}

/** `lose-answers`: what is asked gets through. `refuse`: every connection is broken, and so is every new one at once. */
export type ProxyMode = 'pass' | 'freeze' | 'freeze-answers' | 'lose-answers' | 'refuse' | { lateMs: number };

/** Stands between clients and a server, to break the way without breaking the server. TLS goes through it unseen. */
export class TcpProxy {
  private readonly server: Server;
  private readonly connections = new Set<Connection>();
  private mode: ProxyMode = 'pass';

  private constructor(private target: { host: string; port: number }) {
    this.server = createServer({ allowHalfOpen: true }, (client) => this.join(client));
  }

  /** `url`: of the server behind it. */
  static async to(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetOf(url));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  /** From now on the way leads to another server; what is open to the old one is broken. */
  leadTo(url: string): void {
    this.target = targetOf(url);
    for (const connection of [...this.connections]) connection.set('refuse');
  }

  /** The port alone. */
  get port(): string {
    return String((this.server.address() as AddressInfo).port);
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** For what is spoken by TLS. */
  get origin(): string {
    return `https://${this.address}`;
  }

  /**
   * What was frozen comes through when it is not any more. `open`: new connections are left as they are. A port: the one
   * connection that the server knows by it.
   */
  set(mode: ProxyMode, which: 'all' | 'open' | number = 'all'): void {
    if (which === 'all') this.mode = mode;
    for (const connection of [...this.connections])
      if (typeof which === 'string' || connection.portAtServer === which) connection.set(mode);
  }

  /** Does a connection that is open here come to the server from this port? */
  knows(port: number): boolean {
    return [...this.connections].some(({ portAtServer }) => portAtServer === port);
  }

  close(): void {
    this.set('refuse');
    this.server.close();
  }

  private join(client: Socket): void {
    const server = connect({ ...this.target, allowHalfOpen: true });
    const connection = new Connection(client, server, () => this.connections.delete(connection));
    this.connections.add(connection);
    connection.set(this.mode);
  }
}

class Connection {
  private readonly requests: Flow;
  private readonly answers: Flow;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly ended: () => void,
  ) {
    const end = (): void => this.end();
    this.requests = new Flow(client, server, end);
    this.answers = new Flow(server, client, end);
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
  }

  get portAtServer(): number | undefined {
    return this.server.localPort;
  }

  set(mode: ProxyMode): void {
    if (mode === 'refuse') return this.end();
    const { requests, answers } = treatmentsOf(mode);
    this.requests.treat(requests);
    this.answers.treat(answers);
  }

  private end(): void {
    this.ended();
    this.client.destroy();
    this.server.destroy();
  }
}

function targetOf(url: string): { host: string; port: number } {
  const { hostname: host, port } = new URL(url);
  return { host, port: Number(port) };
}

function treatmentsOf(mode: Exclude<ProxyMode, 'refuse'>): Treatments {
  if (mode === 'lose-answers') return { requests: 'pass', answers: 'break' };
  if (mode === 'freeze-answers') return { requests: 'pass', answers: 'freeze' };
  return { requests: mode, answers: mode };
}

class Flow {
  private treatment: Treatment = 'pass';
  /** What was read and is still on its way, in its order; nothing that is read later arrives sooner. */
  private readonly underWay: { atMs: number; what: () => void }[] = [];

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly end: () => void,
  ) {
    from.on('data', (bytes: Buffer) => this.carry(() => this.to.write(bytes)));
    from.on('end', () => this.carry(() => this.to.end()));
  }

  treat(treatment: Treatment): void {
    this.treatment = treatment;
    if (treatment === 'freeze') this.from.pause();
    else this.from.resume();
  }

  private carry(what: () => void): void {
    if (this.treatment === 'break') return this.end();
    const lateMs = typeof this.treatment === 'object' ? this.treatment.lateMs : 0;
    const atMs = Math.max(this.underWay.at(-1)?.atMs ?? 0, performance.now() + lateMs);
    this.underWay.push({ atMs, what });
    if (this.underWay.length === 1) this.deliver();
  }

  /** One timer for all: two for nearly the same moment may fire in the wrong order. */
  private deliver(): void {
    for (let next = this.underWay[0]; next; next = this.underWay[0]) {
      const inMs = next.atMs - performance.now();
      if (inMs > 0) return void setTimeout(() => this.deliver(), Math.ceil(inMs));
      this.underWay.shift();
      if (this.to.writable) next.what();
    }
  }
}
