import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PublishedPair {
  kid: string;
  privateKey: KeyObject;
  jwk: object;
}

export function keyPair(kid: string, kind: 'RSA' | 'EC' = 'EC', about: object = {}): PublishedPair {
  const { publicKey, privateKey } =
    kind === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2_048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', ...about } };
}

/** A real publisher of keys, which can be made to fail as real ones do. */
export class JwksServer {
  requests = 0;
  answer: (response: ServerResponse) => void = (response) => this.publish(response);
  private readonly server: Server;

  constructor(public keys: PublishedPair[]) {
    this.server = createServer((_, response) => {
      this.requests++;
      this.answer(response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/jwks`;
  }

  publish(response: ServerResponse): void {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) }));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
