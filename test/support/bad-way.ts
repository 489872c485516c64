import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * `pass`: as if it were not there. `lose-answers`: what is asked goes through, and the connection breaks as soon as
 * anything comes back. `freeze`: nothing goes either way, and nothing breaks. `refuse`: everything breaks.
 */
export type WayIs = 'pass' | 'lose-answers' | 'freeze' | 'refuse';

/** A way to a TLS server of 127.0.0.1 that can be made bad. */
export class BadWay {
  private is: WayIs = 'pass';
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private readonly server: Server;

  private constructor(private readonly port: number) {
    this.server = createServer((client) => this.take(client));
  }

  static async to(url: string): Promise<BadWay> {
    const way = new BadWay(Number(new URL(url).port));
    way.server.listen(0, '127.0.0.1');
    await once(way.server, 'listening');
    return way;
  }

  get origin(): string {
    return `https://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  set(is: WayIs): void {
    this.is = is;
    for (const [client, server] of this.pairs) {
      if (is === 'refuse') client.destroy();
      else if (is === 'freeze') [client, server].forEach((socket) => socket.pause());
      else [client, server].forEach((socket) => socket.resume());
    }
  }

  close(): void {
    this.set('refuse');
    this.server.close();
  }

  private take(client: Socket): void {
    if (this.is === 'refuse') return void client.destroy();
    const server = connect(this.port, '127.0.0.1');
    const pair = [client, server] as const;
    this.pairs.add(pair);
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => (this.is === 'lose-answers' ? client.destroy() : client.write(bytes)));
    for (const [one, other] of [pair, [server, client]] as const) {
      one.on('error', () => undefined);
      one.once('close', () => {
        other.destroy();
        this.pairs.delete(pair);
      });
    }
    if (this.is === 'freeze') pair.forEach((socket) => socket.pause());
  }
}
