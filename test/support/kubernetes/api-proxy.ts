import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect, TLSSocket } from 'node:tls';

import type { RunningControlPlane } from './running-control-plane.js';

/**
 * `pass`: as if it were not there. `cut`: connections are broken and new ones too. `stall`: nothing gets through, and
 * nobody is told. `swallow`: what is asked is done, and the connection breaks instead of the answer.
 */
export type ProxyMode = 'pass' | 'cut' | 'stall' | 'swallow';

interface Pair {
  client: TLSSocket;
  upstream: TLSSocket;
}

/** Stands between a client and the API server, with its certificate, to break the way without breaking the server. */
export class ApiProxy {
  private readonly server: Server;
  private readonly secret: { cert: Buffer; key: Buffer };
  private readonly pairs = new Set<Pair>();
  private readonly held = new Set<Socket>();
  private mode: ProxyMode = 'pass';
  /** Connections that were ever made. */
  connections = 0;

  constructor(private readonly controlPlane: RunningControlPlane) {
    const { certFile, keyFile } = controlPlane.certificate;
    this.secret = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    this.server = createServer({ pauseOnConnect: true }, (socket) => this.accept(socket));
  }

  static async to(controlPlane: RunningControlPlane): Promise<ApiProxy> {
    const proxy = new ApiProxy(controlPlane);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  /** `127.0.0.1:port`: the `server` of a kubeconfig that leads here. */
  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  set(mode: ProxyMode): void {
    this.mode = mode;
    for (const { client, upstream } of this.pairs) {
      if (mode === 'cut') client.destroy();
      for (const socket of [client, upstream]) if (mode === 'stall') socket.pause();
      for (const socket of [client, upstream]) if (mode !== 'stall') socket.resume();
    }
    if (mode === 'stall') return;
    for (const socket of [...this.held]) this.accept(socket);
    this.held.clear();
  }

  async close(): Promise<void> {
    this.set('cut');
    for (const { upstream } of this.pairs) upstream.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(socket: Socket): void {
    if (this.mode === 'stall') return void this.held.add(socket.on('error', () => undefined));
    this.connections += 1;
    if (this.mode === 'cut') return void socket.destroy();
    const { hostname, port } = new URL(this.controlPlane.url);
    this.join({
      client: new TLSSocket(socket, { isServer: true, ...this.secret }),
      upstream: connect({ host: hostname, port: Number(port), ca: this.secret.cert }),
    });
  }

  private join(pair: Pair): void {
    const { client, upstream } = pair;
    this.pairs.add(pair);
    client.on('data', (chunk: Buffer) => upstream.write(chunk));
    upstream.on('data', (chunk: Buffer) => (this.mode === 'swallow' ? client.destroy() : client.write(chunk)));
    client.on('error', () => undefined).on('close', () => upstream.end());
    upstream
      .on('error', () => undefined)
      .on('close', () => {
        this.pairs.delete(pair);
        client.destroy();
      });
  }
}
