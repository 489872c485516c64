import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type RequestListener,
  type RequestOptions,
  type Server,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A pod that is a real HTTP server of this process. */
export class PodServer {
  readonly requests: IncomingMessage[] = [];
  readonly sockets = new Set<Socket>();
  readonly server: Server;
  private port = 0;

  constructor(handler: RequestListener) {
    this.server = createServer({ requestTimeout: 0 }, (req, res) => {
      this.requests.push(req);
      handler(req, res);
    });
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.sockets.delete(socket));
    });
  }

  /** On a given port when a test needs one that was refused before. */
  async start(port = 0): Promise<this> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Dies, as a process does: every connection is cut. */
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.server.listening) return;
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export interface Heard {
  status: number;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  trailers: NodeJS.Dict<string>;
  text: string;
}

export async function readText(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

/** One request on a connection of its own, the whole answer read. Rejects when the answer breaks off. */
export async function ask(options: RequestOptions, body?: string | Buffer): Promise<Heard> {
  const response = await open(options, body);
  const text = await readText(response);
  const { statusCode = 0, headers, rawHeaders, trailers } = response;
  return { status: statusCode, headers, rawHeaders, trailers, text };
}

/** The same as soon as the head of the answer is there. */
export function open(options: RequestOptions, body?: string | Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', agent: false, ...options });
    outgoing.once('response', resolve).on('error', reject).end(body);
  });
}
