import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:tls';

export interface Shown {
  serial: string;
  validFromMs: number;
  validToMs: number;
  atMs: number;
}

/** What a new client is shown, verified as clients verify; rejects where it would turn away. */
export async function handshake(url: string, ca: string): Promise<Shown> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ca });
  try {
    await once(socket, 'secureConnect');
    const { serialNumber, valid_from: from, valid_to: to } = socket.getPeerCertificate();
    return { serial: serialNumber, validFromMs: Date.parse(from), validToMs: Date.parse(to), atMs: Date.now() };
  } finally {
    socket.destroy();
  }
}

/** New clients, one after another, for as long as it is wanted to know whether one of them would be turned away. */
export class Handshakes {
  readonly shown: Shown[] = [];
  readonly refused: string[] = [];
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(
    private readonly url: string,
    private readonly ca: string,
    private readonly everyMs: number,
  ) {
    this.running = this.run();
    all.add(this);
  }

  get serials(): string[] {
    return [...new Set(this.shown.map(({ serial }) => serial))];
  }

  async stop(): Promise<void> {
    all.delete(this);
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await handshake(this.url, this.ca).then(
        (shown) => this.shown.push(shown),
        (error) => this.refused.push(String(error)),
      );
      await pause(this.everyMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }
}

/** A test that failed did not come to stop its own. */
const all = new Set<Handshakes>();
afterAll(() => Promise.all([...all].map((one) => one.stop())));
