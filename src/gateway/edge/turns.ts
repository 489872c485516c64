/**
 * Requests that came over one connection before the one ahead of them was answered. Node hands each over as soon as it is
 * read; here it waits until the answers before it have left. For a pod may see requests in another order when they are
 * served side by side (RFC 9112 section 9.3.2), and what stands behind a request that closes its connection must not be
 * served at all (section 9.6): where that request was refused it may be what another server took for its body.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A client that sends more than these ahead of the answers has to keep the rest. */
const MOST_WAITING = 16;

/** The last answer was given. What has been read behind its request is handed over all the same. */
export function isEnding(socket: Duplex): boolean {
  return socket.destroyed || socket.writableEnded;
}

/** Node gives a response its connection when the one before it has left. */
export function isItsTurn(res: ServerResponse): boolean {
  return res.socket !== null;
}

export class Turns {
  private readonly waiting = new WeakMap<Socket, number>();

  /** Never serves what its connection does not live to see. */
  wait({ socket }: IncomingMessage, res: ServerResponse, serve: () => void): void {
    this.add(socket, 1);
    res.once('socket', () => {
      this.add(socket, -1);
      serve();
    });
  }

  private add(socket: Socket, change: 1 | -1): void {
    const before = this.waiting.get(socket) ?? 0;
    this.waiting.set(socket, before + change);
    if (before + change >= MOST_WAITING) socket.pause();
    else if (before >= MOST_WAITING) socket.resume();
  }
}
