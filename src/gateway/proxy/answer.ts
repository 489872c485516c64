import { STATUS_CODES } from 'node:http';

import type { Clock } from '../../platform/clock.js';
import type { HttpExchange } from './exchange.js';
import { type AnswerFields, type Fields, trailersFromPod } from './header-passes.js';
import { discardRest } from './unread-body.js';

/** To copy it once more costs less than to write it beside its head. */
const SMALL_BODY_BYTES = 8 * 1_024;
/** RFC 9112 section 4: what Node takes as a reason phrase. */
const REASON_PHRASE = /^[\t\x20-\x7e]+$/;

/**
 * The pod's answer on its way to the client, piece by piece, at the client's pace.
 *
 * Head, first piece and end of a small answer come out of the parser in one go; they are held back until it has
 * returned, so that such an answer leaves in one write. A head whose body takes its time is not held any longer than
 * that: the client of an event stream sees at once that it is there.
 */
export class Answer {
  private first?: Buffer;
  /** What the head says of the body's. */
  private length = -1;
  private isFlushed = false;
  private isFull = false;
  isBegun = false;

  constructor(
    private readonly exchange: HttpExchange,
    private readonly clock: Clock,
    /** The client can take more again. */
    private readonly drained: () => void,
    /** It cannot for now. */
    private readonly filled: () => void,
  ) {}

  /** `length`: of the body; negative where only its end will tell. */
  begin(status: number, reason: string, fields: AnswerFields, length: number): void {
    const { res } = this.exchange;
    this.length = length;
    if (reason !== STATUS_CODES[status] && REASON_PHRASE.test(reason)) {
      res.writeHead(status, reason, fields);
    } else res.writeHead(status, fields);
    this.isBegun = true;
    queueMicrotask(this.flush);
  }

  /** 103 and 102 are worth passing on; 100 is between the pod and Berth. */
  inform(status: number, fields: Fields): void {
    const { res, req } = this.exchange;
    if (res.headersSent || req.httpVersionMinor === 0) return;
    if (status === 102) res.writeProcessing();
    if (status === 103) this.hint(fields.filter((_, at) => fields[at - 1] === 'link' && at % 2 === 1));
  }

  /** Node is strict about what a Link may look like; a hint that it does not like is not worth an answer. */
  private hint(link: string[]): void {
    if (link.length === 0) return;
    try {
      this.exchange.res.writeEarlyHints({ link });
    } catch {
      // the final answer carries it as well
    }
  }

  write(piece: Buffer): void {
    if (!this.isFlushed && this.first === undefined) {
      this.first = piece;
      return;
    }
    this.flush();
    this.put(piece);
  }

  end(trailers: Fields): void {
    const { res, req } = this.exchange;
    const { first } = this;
    this.first = undefined;
    this.isFlushed = true;
    if (trailers.length > 0) res.addTrailers(trailersFromPod(trailers));
    if (first) this.putAll(first);
    else res.end();
    if (!req.complete) this.letRestGo();
  }

  /** The rest of the answer will not come. It must not look complete (RFC 9112 section 8). */
  breakOff(): void {
    const { req, res } = this.exchange;
    // To HTTP/1.0 the end of the connection is the end of the body: only a reset says that it is not.
    if (req.httpVersionMinor === 0 && !('encrypted' in req.socket)) req.socket.resetAndDestroy();
    else res.destroy();
  }

  private readonly flush = (): void => {
    if (this.isFlushed) return;
    this.isFlushed = true;
    const { first } = this;
    this.first = undefined;
    if (first) this.put(first);
    else if (!this.exchange.res.destroyed) this.exchange.res.flushHeaders();
  };

  /** Head and body of a small answer leave in one plain write as one text; a buffer would be gathered with its head. */
  private putAll(body: Buffer): void {
    const { res } = this.exchange;
    if (body.length !== this.length || body.length > SMALL_BODY_BYTES) res.end(body);
    else res.end(body.toString('latin1'), 'latin1');
  }

  private put(piece: Buffer): void {
    const { res } = this.exchange;
    if (res.write(piece) || res.destroyed || this.isFull) return;
    this.isFull = true;
    this.filled();
    res.once('drain', () => {
      this.isFull = false;
      this.drained();
    });
  }

  /** The pod answered without waiting for the whole body. */
  private letRestGo(): void {
    const { req } = this.exchange;
    discardRest(this.exchange, this.clock, (isClean) => {
      if (!isClean) req.socket.destroySoon();
    });
  }
}
