import { connect, type Socket } from 'node:net';

import { type Clock, pause } from '../../platform/clock.js';

/** No connection to the pod came about: nothing of any request was sent. */
export class DialError extends Error {
  override name = 'DialError';
}

/** A pod that is just starting to listen, or whose queue is full for a moment, is worth a few tries. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 400;

/**
 * Makes the TCP connections to pods, for HTTP and WebSocket alike. Only this is ever tried again: as long as there is
 * no connection, nothing was sent, so nothing can happen twice.
 */
export class Dialler {
  constructor(
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {}

  /** `address` is host:port. Tries until the time-out is over or the signal fires. */
  async dial(address: string, signal: AbortSignal): Promise<Socket> {
    const giveUpAtMs = this.clock.monotonicMs() + this.timeoutMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const leftMs = giveUpAtMs - this.clock.monotonicMs();
      const { socket, cause } = await this.tryOnce(address, leftMs, signal);
      if (socket) return socket;
      const isLast = signal.aborted || this.clock.monotonicMs() + pauseMs >= giveUpAtMs;
      if (isLast) throw new DialError(`no connection to the pod at ${address}`, { cause });
      await pause(this.clock, pauseMs, signal);
    }
  }

  private tryOnce(address: string, timeoutMs: number, signal: AbortSignal): Promise<Try> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve({ cause: GIVEN_UP });
      const socket = connect({ ...splitAddress(address), noDelay: true });
      const settle = (outcome: Try): void => {
        timer.cancel();
        signal.removeEventListener('abort', giveUp);
        socket.off('error', fail).off('connect', succeed);
        if (!outcome.socket) socket.on('error', () => undefined).destroy();
        resolve(outcome);
      };
      const succeed = (): void => settle({ socket });
      const fail = (cause: Error): void => settle({ cause });
      const giveUp = (): void => settle({ cause: GIVEN_UP });
      const timer = this.clock.after(timeoutMs, () => settle({ cause: TIMED_OUT }));
      socket.once('error', fail).once('connect', succeed);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}

interface Try {
  socket?: Socket;
  cause?: Error;
}

const GIVEN_UP = new Error('given up');
const TIMED_OUT = new Error('timed out');

/** `10.0.0.1:80` or `[fd00::1]:80`. */
function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}
