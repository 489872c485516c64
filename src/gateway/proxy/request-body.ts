/**
 * The body of a request on its way to the pod: never held whole, never sent twice, and not touched before a
 * connection stands, so that a dial that fails leaves it as it was. undici destroys the stream it is given when a
 * request fails; what it is given is therefore a stream of our own, which begins to read from the client only when
 * it is read itself and lets go of the client when it is destroyed.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

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
    this.exchange.releaseBody = () => void stream.destroy();
    this.stream = stream;
    return stream;
  }
}

class ForwardedBody extends Readable {
  isHeldBack = false;
  private isBegun = false;
  private readBytes = 0;

  constructor(
    private readonly source: IncomingMessage,
    private readonly begin: () => void,
    private readonly limit: { bytes: number; overflowed: () => void },
  ) {
    super({ highWaterMark: ONE_PIECE_BYTES });
    this.on('error', () => undefined); // undici may be gone already when it destroys us
  }

  override _read(): void {
    this.isHeldBack = false;
    if (!this.isBegun) {
      this.isBegun = true;
      this.begin();
      this.source.on('data', this.accept).on('end', this.finish);
    }
    this.source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.source.off('data', this.accept).off('end', this.finish);
    if (this.isBegun) this.source.pause();
    callback(error);
  }

  private readonly accept = (chunk: Buffer): void => {
    this.readBytes += chunk.length;
    if (this.limit.bytes > 0 && this.readBytes > this.limit.bytes) return this.limit.overflowed();
    if (this.push(chunk)) return;
    this.isHeldBack = true;
    this.source.pause();
  };

  private readonly finish = (): void => {
    this.push(null);
  };
}

function tooLarge(limitBytes: number): GatewayError {
  return new GatewayError('PAYLOAD_TOO_LARGE', `A request body may have ${limitBytes} bytes at most.`);
}
