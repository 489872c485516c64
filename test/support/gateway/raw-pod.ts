import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What has arrived on a connection so far, with each whole head that is new. */
type Answering = (socket: Socket, asked: string, nth: number) => void;

/** A pod that says exactly what a test wants said, byte for byte; each head that arrives is answered in turn. */
export class RawPod {
  readonly sockets: Socket[] = [];
  /** All that came on each connection. */
  readonly heard: string[] = [];
  private readonly server: Server;
  private asked = 0;

  constructor(private readonly answer: Answering) {
    this.server = createServer({ allowHalfOpen: false }, (socket) => this.take(socket));
  }

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(socket: Socket): void {
    const at = this.sockets.push(socket) - 1;
    this.heard[at] = '';
    socket.on('error', () => undefined).setNoDelay();
    socket.setEncoding('latin1').on('data', (text: string) => {
      const before = this.heard[at]!;
      const now = (this.heard[at] = before + text);
      for (let nth = headsIn(before); nth < headsIn(now); nth += 1) this.answer(socket, now, this.asked++);
    });
  }
}

function headsIn(text: string): number {
  return text.split('\r\n\r\n').length - 1;
}
