/**
 * The body of a request on its way to the pod: never held whole, never sent twice, and not touched before a connection
 * stands, so that a dial that fails leaves it as it was.
 */
import type { IncomingMessage } from 'node:http';

import { GatewayError } from '../problem.js';
import type { HttpExchange } from './exchange.js';

/**
 * A body that has arrived with its head is handed over as one piece: head and body leave in one write, and the common
 * small request costs no stream.
 */
const ONE_PIECE_BYTES = 64 * 1_024;

export class RequestBody {
  readonly isPresent: boolean;
  /** Undefined: it comes in chunks, or there is none. */
  readonly lengthBytes: number | undefined;
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
  forAttempt(overflowed: (error: GatewayError) => void): Buffer | ForwardedBody | undefined {
    if (!this.isPresent) return undefined;
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

  private streamed(overflowed: (error: GatewayError) => void): ForwardedBody {
    const begin = (): void => {
      // RFC 9110 section 10.1.1: the client waits for this before it sends a body that may be refused.
      if (this.exchange.awaitsContinue) this.exchange.sendContinue();
    };
    const limit = { bytes: this.limitBytes, overflowed: () => overflowed(tooLarge(this.limitBytes)) };
    const stream = new ForwardedBody(this.exchange.req, begin, limit);
    this.exchange.releaseBody = () => stream.letGo();
    this.stream = stream;
    return stream;
  }
}

/** Who passes it on. */
export interface BodyReader {
  take(piece: Buffer): void;
  end(): void;
  /** The rest will not come. */
  cutOff(): void;
}

/** One attempt's hold on the body. A real stream in between would buffer every piece once more. */
export class ForwardedBody {
  isHeldBack = false;
  private isLetGo = false;
  private reader?: BodyReader;
  private readBytes = 0;

  constructor(
    private readonly source: IncomingMessage,
    private readonly began: () => void,
    private readonly limit: { bytes: number; overflowed: () => void },
  ) {}

  /** Once the connection to the pod stands. */
  begin(reader: BodyReader): void {
    if (this.isLetGo) return;
    this.reader = reader;
    this.began();
    this.source.on('data', this.accept).on('end', this.finish);
    this.source.resume();
  }

  hold(): void {
    if (this.isLetGo) return;
    this.isHeldBack = true;
    this.source.pause();
  }

  goOn(): void {
    if (this.isLetGo) return;
    this.isHeldBack = false;
    this.source.resume();
  }

  /** From now on it is somebody else's, or nobody's. */
  letGo(): void {
    if (this.isLetGo) return;
    this.detach();
    if (!this.reader) return;
    this.source.pause();
    this.reader.cutOff();
  }

  private readonly accept = (chunk: Buffer): void => {
    this.readBytes += chunk.length;
    if (this.limit.bytes > 0 && this.readBytes > this.limit.bytes) this.limit.overflowed();
    else this.reader?.take(chunk);
  };

  private readonly finish = (): void => {
    this.detach();
    this.reader?.end();
  };

  private detach(): void {
    this.isLetGo = true;
    this.source.off('data', this.accept).off('end', this.finish);
  }
}

function tooLarge(limitBytes: number): GatewayError {
  return new GatewayError('PAYLOAD_TOO_LARGE', `A request body may have ${limitBytes} bytes at most.`);
}
