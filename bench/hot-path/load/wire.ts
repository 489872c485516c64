import { connect, type Socket } from 'node:net';

import type { Way } from '../target.js';

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * One kept connection that has one request under way at a time. Reads no more of an answer than where it ends: what loads a
 * proxy should cost little beside it.
 */
export class Wire {
  private readonly socket: Socket;
  private answered?: (status: number) => void;
  private head?: Buffer;
  private status = 0;
  private leftBytes = -1;
  isClosed = false;

  constructor({ host, port }: Way) {
    this.socket = connect({ host, port, noDelay: true });
    this.socket.on('data', (chunk) => this.read(chunk));
    this.socket.on('error', () => undefined).on('close', () => this.close());
  }

  connected(): Promise<void> {
    return new Promise((resolve) => void this.socket.once('connect', resolve));
  }

  /** `answered` gets the status, 0 when the connection broke. */
  send(request: Buffer, answered: (status: number) => void): void {
    this.answered = answered;
    if (this.isClosed) this.close();
    else this.socket.write(request);
  }

  destroy(): void {
    this.answered = undefined;
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    if (this.leftBytes < 0) return this.readHead(chunk);
    this.leftBytes -= chunk.length;
    if (this.leftBytes <= 0) this.finish();
  }

  private readHead(chunk: Buffer): void {
    const all = this.head ? Buffer.concat([this.head, chunk]) : chunk;
    const end = all.indexOf(HEAD_END);
    if (end < 0) {
      this.head = all;
      return;
    }
    this.head = undefined;
    const text = all.toString('latin1', 0, end);
    this.status = Number(text.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    if (length === undefined) throw new Error(`an answer without a length: ${text}`);
    this.leftBytes = Number(length) - (all.length - end - HEAD_END.length);
    if (this.leftBytes <= 0) this.finish();
  }

  private finish(): void {
    const { answered, status } = this;
    this.leftBytes = -1;
    this.answered = undefined;
    answered?.(status);
  }

  private close(): void {
    this.isClosed = true;
    const { answered } = this;
    this.answered = undefined;
    answered?.(0);
  }
}

export function requestBytes({ host, port, path }: Way, headers: Readonly<Record<string, string>>, bodyBytes: number) {
  const fields = { host: `${host}:${port}`, 'content-type': 'application/json', ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${path} HTTP/1.1\r\n${lines.join('')}content-length: ${bodyBytes}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bodyOf(bodyBytes)]);
}

function bodyOf(bytes: number): Buffer {
  const text = `{"data":"${'d'.repeat(Math.max(bytes - 11, 0))}"}`;
  return Buffer.from(text.slice(0, bytes));
}
