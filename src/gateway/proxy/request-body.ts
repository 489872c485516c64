/**
 * The body of a request on its way to the pod: never held whole, never sent twice, and not touched before a
 * connection stands, so that a dial that fails leaves it as it was. undici destroys the stream it is given when a
 * request fails; what it is given is therefore not the request but something that passes it on, begins to read when
 * undici does, and when it is destroyed lets go of the request and no more.
 */
import type { IncomingMessage } from 'node:http';
import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';

import { GatewayError } from '../problem.js';
import type { HttpExchange } from './exchange.js';

/**
 * A body that has arrived with its head is handed over as one piece: head and body leave in one write, and the common
 * small request costs no stream.
 */
const ONE_PIECE_BYTES = 64 * 1_024;

export class RequestBody {
  readonly isPresent: boolean;
  private readonly lengthBytes: number | undefined;
  private piece?: Buffer;
  private stream?: ForwardedBody;

  constructor(
    private readonly exchange: HttpExchange,
    private readonly limitBytes: number,
  ) {
    const length = exchange.req.headers['content-length'];
    this.isPresent = exchange.hasBody;
    this.lengthBytes = length === undefined ? undefined : Number(length);
    if (limitBytes > 0 && this.lengthBytes !== undefined && this.lengthBytes > limitBytes) throw tooLarge(limitBytes);
  }

  /** What one attempt sends. `overflowed` is called when a body of unknown length turns out too large. */
  forAttempt(overflowed: (error: GatewayError) => void): Buffer | Readable | null {
    if (!this.isPresent) return null;
    return this.onePiece() ?? this.streamed(overflowed);
  }

  /** The pod does not read: that it goes on slowly is not the client's fault. */
  get isHeldBack(): boolean {
    return this.stream?.isHeldBack ?? false;
  }

  private onePiece(): Buffer | undefined {
    if (this.piece) return this.piece;
    const { req } = this.exchange;
    const length = this.lengthBytes;
    if (length === undefined || length > ONE_PIECE_BYTES || req.readableLength !== length) return undefined;
    this.piece = req.read() as Buffer;
    return this.piece;
  }

  private streamed(overflowed: (error: GatewayError) => void): Readable {
    const begin = (): void => {
      // RFC 9110 section 10.1.1: the client waits for this before it sends a body that may be refused.
      if (this.exchange.awaitsContinue) this.exchange.sendContinue();
    };
    const limit = { bytes: this.limitBytes, overflowed: () => overflowed(tooLarge(this.limitBytes)) };
    const stream = new ForwardedBody(this.exchange.req, begin, limit);
    this.exchange.releaseBody = () => stream.destroy();
    this.stream = stream;
    return stream as unknown as Readable;
  }
}

/** What undici asks of a stream and nothing else; a real Readable in between would buffer every chunk once more. */
class ForwardedBody extends EventEmitter {
  destroyed = false;
  isHeldBack = false;
  private isBegun = false;
  private readBytes = 0;

  constructor(
    private readonly source: IncomingMessage,
    private readonly begin: () => void,
    private readonly limit: { bytes: number; overflowed: () => void },
  ) {
    super();
  }

  /** undici begins with this, once the request is the connection's turn. */
  resume(): void {
    if (this.destroyed) return;
    this.isHeldBack = false;
    if (!this.isBegun) {
      this.isBegun = true;
      this.begin();
      this.source.on('data', this.accept).on('end', this.finish);
    }
    this.source.resume();
  }

  pause(): void {
    if (this.destroyed) return;
    this.isHeldBack = true;
    this.source.pause();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.letGo();
    if (this.isBegun) this.source.pause();
    this.emit('close');
  }

  /** By having this it is a stream to undici. */
  pipe(): never {
    throw new Error('a request body is read, not piped');
  }

  private readonly accept = (chunk: Buffer): void => {
    this.readBytes += chunk.length;
    if (this.limit.bytes > 0 && this.readBytes > this.limit.bytes) this.limit.overflowed();
    else this.emit('data', chunk);
  };

  private readonly finish = (): void => {
    this.letGo(); // undici destroys what has ended, and would take our `close` for an abort
    this.emit('end');
  };

  private letGo(): void {
    this.destroyed = true;
    this.source.off('data', this.accept).off('end', this.finish);
  }
}

function tooLarge(limitBytes: number): GatewayError {
  return new GatewayError('PAYLOAD_TOO_LARGE', `A request body may have ${limitBytes} bytes at most.`);
}
