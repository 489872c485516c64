import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  text: string;
  /** The other side ended the connection. */
  closed: boolean;
}

export interface RawOptions {
  /** Enough when this is seen; otherwise the answer is over when the connection is. */
  until?: RegExp;
  limitMs?: number;
}

/** Sends exactly these bytes over a connection of its own, piece by piece, and gives what comes back, unparsed. */
export async function rawRequest(
  url: string,
  bytes: string | Buffer | readonly (string | Buffer)[],
  { until, limitMs = 5_000 }: RawOptions = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  try {
    const answer = collect(socket, until, limitMs);
    for (const piece of Array.isArray(bytes) ? (bytes as (string | Buffer)[]) : [bytes as string | Buffer]) {
      await write(socket, piece);
    }
    return await answer;
  } finally {
    socket.destroy();
  }
}

/** The lines of a request as it stands on the wire. */
export function lines(...parts: readonly string[]): string {
  return parts.map((part) => `${part}\r\n`).join('');
}

/** Status of each answer on the connection, in order. */
export function statuses(answer: RawAnswer): number[] {
  return [...answer.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

function write(socket: Socket, piece: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    socket.write(piece, 'latin1', () => resolve()); // a refusal in mid-request is an answer, not a failure
  });
}

function collect(socket: Socket, until: RegExp | undefined, limitMs: number): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let text = '';
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      resolve({ text, closed });
    };
    const timer = setTimeout(() => finish(false), limitMs);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (until?.test(text)) finish(false);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => finish(true));
  });
}
