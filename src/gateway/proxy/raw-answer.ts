import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Clock } from '../../platform/clock.js';
import type { AnswerFields } from './header-passes.js';

/** How long the other side gets to read an answer and close. */
export const GRACE_MS = 2_000;

/**
 * A complete HTTP answer on a bare socket, which is closed after it. What still comes in is read and forgotten, for a
 * socket closed with unread bytes is reset, and the reset may overtake the answer.
 */
export function writeRawAnswer(socket: Duplex, status: number, fields: AnswerFields, text: string, clock: Clock): void {
  if (socket.destroyed) return;
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  for (let at = 0; at < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`);
  lines.push('Connection: close', `Content-Length: ${Buffer.byteLength(text)}`, '', text);
  closeGently(socket, clock, lines.join('\r\n'));
}

/** Ends our side, with a last word if there is one, and destroys the socket when the other side does not follow. */
export function closeGently(socket: Duplex, clock: Clock, lastWord?: string | Buffer): void {
  if (socket.destroyed) return;
  destroyUnlessFollowed(socket, clock);
  socket.resume(); // the other side's end is only seen by whoever reads
  if (lastWord === undefined) socket.end();
  else socket.end(lastWord);
}

/** Destroys the socket when the other side does not follow our end of it, which has come or will come. */
export function destroyUnlessFollowed(socket: Duplex, clock: Clock): void {
  const giveGrace = (): void => {
    const timer = clock.after(GRACE_MS, () => socket.destroy());
    socket.once('close', () => timer.cancel());
  };
  if (socket.writableFinished) giveGrace();
  else socket.once('finish', giveGrace);
}
