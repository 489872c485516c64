import { pipeline } from 'node:stream/promises';

import { Injectable } from '@nestjs/common';
import type { Response } from 'express';

import { Logger } from '../../platform/logger.js';
import { requestIdOf } from './admitted-request.js';

/** With its first piece at hand: what keeps it from beginning is thrown here, where it can still be answered. */
export async function begun<T>(pieces: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const rest = pieces[Symbol.asyncIterator]();
  const first = await rest.next();
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => rest };
  })();
}

/**
 * Answers that go on: logs and events. Each has a signal that fires when its client goes, or when this replica stops;
 * a follower would hold up the stop for the whole drain time and learn nothing.
 */
@Injectable()
export class ControlStreams {
  private readonly open = new Set<AbortController>();
  private isStopping = false;

  constructor(private readonly logger: Logger) {}

  /** To be asked for before the first wait of a handler, so that a client that goes meanwhile is noticed. */
  signalFor(response: Response): AbortSignal {
    const stop = new AbortController();
    this.open.add(stop);
    response.once('close', () => {
      this.open.delete(stop);
      stop.abort();
    });
    if (this.isStopping || response.destroyed) stop.abort();
    return stop.signal;
  }

  /** Ends what is open and what comes after; part of the stop of a replica. */
  endAll(): void {
    this.isStopping = true;
    for (const stop of this.open) stop.abort();
  }

  /** Sends chunk by chunk, no faster than the client takes them. Returns at once; what goes wrong is logged here. */
  send(response: Response, contentType: string, chunks: AsyncIterable<Uint8Array | string>, signal: AbortSignal): void {
    response.status(200).set({
      'content-type': contentType,
      'cache-control': 'no-store',
      // What a session wrote is text, whatever a browser makes of it.
      'x-content-type-options': 'nosniff',
      // nginx would gather lines until its buffer is full.
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
    if (response.req.method === 'HEAD') return void response.end();
    pipeline(chunks, response).catch((error: unknown) => {
      if (signal.aborted) return;
      this.logger.warn({ event: 'stream.broken', error, requestId: requestIdOf(response.req) }, 'A stream broke off.');
    });
  }
}
