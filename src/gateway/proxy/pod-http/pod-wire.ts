/**
 * One connection to a pod, with one request under way at the most. Nothing is ever sent behind a request that has not been
 * answered, and a connection is used again only when both request and answer came to their end and nothing came after:
 * bytes that nobody asked for end it, so none of them can be taken for an answer.
 */
import type { Socket } from 'node:net';

import type { Fields } from '../header-passes.js';
import type { AnswerHead } from './answer-head.js';
import { type AnswerListener, AnswerParser } from './answer-parser.js';
import { type BodyOwner, BodyWriter } from './body-writer.js';
import { headText, type OutgoingRequest } from './outgoing-request.js';

/** Who waits for the answer to a request. */
export interface Asker {
  /** The last moment at which nothing was sent. Gives what is to be sent, or nothing when it is of no use any more. */
  onTurn(wire: PodWire): OutgoingRequest | undefined;
  onHead(head: AnswerHead): void;
  onPiece(piece: Buffer): void;
  onEnd(trailers: Fields): void;
  /** Neither of the others comes after this. */
  onFailed(error: Error): void;
}

export interface WireOwner {
  /** It can carry another request. */
  freed(wire: PodWire): void;
  closed(wire: PodWire): void;
}

/** Head and body of a small request are one string to Node, which writes it without a buffer and without `writev`. */
const SMALL_BODY_BYTES = 8 * 1_024;

export class PodWire implements AnswerListener, BodyOwner {
  /** Kept no longer than that. */
  expiresAtMs = 0;
  /** What the pod said of that in its last answer. */
  keepAliveMs?: number;
  private readonly parser = new AnswerParser(this);
  private asker?: Asker;
  private writer?: BodyWriter;
  private isRequestSent = true;
  private isLast = false;
  private isPaused = false;
  /** What came while it was held. */
  private rest?: Buffer;
  private hasEnded = false;
  private error?: Error;

  constructor(
    readonly socket: Socket,
    private readonly owner: WireOwner,
  ) {
    socket.on('data', (chunk: Buffer) => this.arrived(chunk)).on('end', () => this.ended());
    socket.on('error', (error) => (this.error = error)).on('close', () => this.closed());
  }

  get isUsable(): boolean {
    return !this.socket.destroyed && !this.hasEnded && this.socket.writable;
  }

  get isHeld(): boolean {
    return this.isPaused || this.asker === undefined;
  }

  send(asker: Asker, request: OutgoingRequest): void {
    const { method, body, length } = request;
    this.asker = asker;
    this.parser.expect(method === 'HEAD');
    this.isLast = method === 'HEAD'; // some answer it with a body, which would be taken for the next answer
    const head = headText(request);
    if (body === undefined) this.socket.write(head, 'latin1');
    else if (Buffer.isBuffer(body)) this.sendPiece(head, body);
    else {
      this.isRequestSent = false;
      this.socket.write(head, 'latin1');
      this.writer = new BodyWriter(this, body, length);
      this.writer.begin();
    }
  }

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    const { rest } = this;
    this.rest = undefined;
    if (rest) this.read(rest);
    if (this.isPaused) return;
    this.socket.resume();
    if (this.hasEnded) this.ended();
  }

  /** Whoever waits for the answer hears of it. */
  abort(reason: Error): void {
    const { asker, writer } = this;
    this.asker = undefined;
    this.writer = undefined;
    writer?.stop();
    this.socket.destroy();
    asker?.onFailed(reason);
  }

  destroy(): void {
    this.abort(new Error('the connection was closed'));
  }

  bodySent(): void {
    this.writer = undefined;
    this.isRequestSent = true;
  }

  bodyFailed(error: Error): void {
    this.abort(error);
  }

  onHead(head: AnswerHead): void {
    if (head.status >= 200) {
      this.isLast ||= head.isLast;
      this.keepAliveMs = head.keepAliveMs;
    }
    this.asker?.onHead(head);
  }

  onPiece(piece: Buffer): void {
    this.asker?.onPiece(piece);
  }

  onEnd(trailers: Fields): void {
    const { asker } = this;
    this.asker = undefined;
    asker?.onEnd(trailers);
  }

  private sendPiece(head: string, body: Buffer): void {
    if (body.length <= SMALL_BODY_BYTES) return void this.socket.write(head + body.toString('latin1'), 'latin1');
    this.socket.cork();
    this.socket.write(head, 'latin1');
    this.socket.write(body);
    this.socket.uncork();
  }

  private arrived(chunk: Buffer): void {
    if (this.rest) this.rest = Buffer.concat([this.rest, chunk]);
    else if (this.isPaused) this.rest = chunk;
    else this.read(chunk);
  }

  private read(chunk: Buffer): void {
    if (this.asker === undefined) return this.destroy(); // nobody has asked
    let taken: number;
    try {
      taken = this.parser.read(chunk);
    } catch (error) {
      return this.abort(error as Error);
    }
    if (this.parser.isOver) this.settle(taken === chunk.length);
    else if (taken < chunk.length) this.rest = chunk.subarray(taken);
  }

  /** The answer is over. */
  private settle(isClean: boolean): void {
    this.isPaused = false;
    this.socket.resume(); // its last piece may have been one too many for its client
    if (isClean && !this.isLast && this.isRequestSent && this.isUsable) this.owner.freed(this);
    else this.destroy();
  }

  private ended(): void {
    this.hasEnded = true;
    if (this.rest) return; // once it is read
    if (this.parser.finish()) this.destroy();
    else this.abort(new Error('the pod closed the connection'));
  }

  private closed(): void {
    this.owner.closed(this);
    if (this.asker && !(this.rest && this.hasEnded)) {
      this.abort(this.error ?? new Error('the connection to the pod broke'));
    }
  }
}
