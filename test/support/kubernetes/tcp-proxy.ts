import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * `pass`: as if it were not there. `cut`: connections are broken and new ones too. `stall`: nothing gets through, and
 * nobody is told. `swallow`: what is asked gets through, and the connection breaks instead of the answer.
 */
export type ProxyMode = 'pass' | 'cut' | 'stall' | 'swallow';

/** Stands between a client and a server, to break the way without breaking the server. TLS goes through it unseen. */
export class TcpProxy {
  private readonly server: Server;
  private readonly pairs = new Set<[client: Socket, upstream: Socket]>();
  private mode: ProxyMode = 'pass';
  /** Connections that were ever made. */
  connections = 0;

  constructor(private readonly target: { host: string; port: number }) {
    this.server = createServer({ pauseOnConnect: true }, (client) => this.join(client));
  }

  /** `url`: of the server behind it. */
  static async to(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) });
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  set(mode: ProxyMode): void {
    this.mode = mode;
    for (const [client, upstream] of this.pairs) {
      if (mode === 'cut') client.destroy();
      else if (mode === 'stall') [client, upstream].forEach((socket) => socket.pause());
      else [client, upstream].forEach((socket) => socket.resume());
    }
  }

  async close(): Promise<void> {
    this.set('cut');
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    this.connections += 1;
    if (this.mode === 'cut') return void client.destroy();
    const upstream = connect(this.target);
    const pair: [Socket, Socket] = [client, upstream];
    this.pairs.add(pair);
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => (this.mode === 'swallow' ? client.destroy() : client.write(chunk)));
    const part = (): void => {
      this.pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) socket.on('error', part).on('close', part);
    if (this.mode === 'stall') upstream.pause();
    else client.resume();
  }
}
