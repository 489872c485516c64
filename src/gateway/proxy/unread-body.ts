import type { IncomingMessage } from 'node:http';

import type { Clock } from '../../platform/clock.js';
import type { HttpExchange } from './exchange.js';

/** What is left of a body that small is read to its end, so that the connection can be used again. */
const SMALL_REST_BYTES = 64 * 1_024;
/** What fits into the time: a client that is sending reads no answer before it has been let finish. */
export const MOST_BYTES = 256 * 1_024 * 1_024;
const MOST_MS = 2_000;

/** An answer that comes before the request was read to its end: does the connection survive it? */
export function survivesUnread(req: IncomingMessage): boolean {
  return req.complete || Number(req.headers['content-length'] ?? Infinity) <= SMALL_REST_BYTES;
}

/**
 * Reads and forgets what is left of a request's body, up to a bound. A connection closed with unread bytes in it is
 * reset by the kernel, and the reset may overtake the answer (RFC 9112 section 9.6); one that is kept must be read to
 * the end of the body, or the rest of the body would be taken for the next request.
 */
export function discardRest(exchange: HttpExchange, clock: Clock, done: (isClean: boolean) => void): void {
  const { req } = exchange;
  exchange.releaseBody?.();
  if (req.readableEnded || req.destroyed) return done(req.readableEnded);
  let bytes = 0;
  const finish = (isClean: boolean): void => {
    timer.cancel();
    req.off('data', count).off('end', ended).off('close', closed);
    done(isClean);
  };
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) finish(false);
  };
  const ended = (): void => finish(true);
  const closed = (): void => finish(false);
  const timer = clock.after(MOST_MS, closed);
  req.on('data', count).on('end', ended).on('close', closed);
  req.resume();
}

/** Ends an answer whose whole text is known, in the order that leaves the connection in a known state. */
export function endWithUnread(exchange: HttpExchange, text: string, clock: Clock): void {
  const { req, res, awaitsContinue } = exchange;
  if (req.complete || awaitsContinue) {
    res.end(text);
    if (!req.readableEnded) req.resume();
    return;
  }
  res.write(text); // with its length in the head: for the client the answer is complete now
  discardRest(exchange, clock, (isClean) => {
    res.end();
    if (!isClean) req.socket.destroySoon();
  });
}
