import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Route } from '../gateway.metrics.js';
import type { SessionFacts } from './header-passes.js';
import { NO_SLOT, type Slotted } from './slots.js';

/** One request of one client, from its head to the end of its answer. */
export abstract class Exchange implements Slotted {
  route: Route = 'other';
  /** As the client wrote it, once it is known to be legal. */
  sessionId?: string;
  /** Known once the request was admitted. */
  session?: SessionFacts;
  /** Why it was refused, for the log. */
  errorCode?: string;
  isOver = false;
  slot = NO_SLOT;
  private presence?: AbortController;
  private listeners?: (() => void)[];

  constructor(
    readonly req: IncomingMessage,
    readonly requestId: string,
    /** Without the query: it may carry secrets. */
    readonly path: string,
    readonly startedMs: number,
  ) {}

  /** 0 while nothing was answered. */
  abstract get status(): number;

  /** False for an answer that began and did not come to its end. */
  abstract get isWhole(): boolean;

  /** Fires when the client has gone. Made only when somebody waits: most requests never do. */
  get signal(): AbortSignal {
    this.presence ??= new AbortController();
    if (this.isOver) this.presence.abort();
    return this.presence.signal;
  }

  /** Answered, or the client is gone. Called once by whoever sees the connection's events; further calls do nothing. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.presence?.abort();
    for (const listener of this.listeners ?? []) listener();
  }

  onOver(listener: () => void): void {
    if (this.isOver) return listener();
    (this.listeners ??= []).push(listener);
  }
}

export class HttpExchange extends Exchange {
  /** The client said `Expect: 100-continue` and has not been told to go on. */
  awaitsContinue = false;
  /** Set while something reads the request's body: makes it let go. */
  releaseBody?: () => void;

  constructor(
    req: IncomingMessage,
    readonly res: ServerResponse,
    requestId: string,
    path: string,
    startedMs: number,
  ) {
    super(req, requestId, path, startedMs);
  }

  get status(): number {
    return this.res.headersSent ? this.res.statusCode : 0;
  }

  get isWhole(): boolean {
    return this.res.writableFinished;
  }

  sendContinue(): void {
    this.awaitsContinue = false;
    if (!this.res.destroyed) this.res.writeContinue();
  }

  /** RFC 9112 section 6: a request has a body exactly when one of these two says so. */
  get hasBody(): boolean {
    return hasBody(this.req);
  }
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A request that asks for another protocol: there is no response object, only the socket. */
export class UpgradeExchange extends Exchange {
  status = 0;
  readonly isWhole = true;
  /** This replica stops. */
  isRestartDue = false;
  /** Set while its WebSocket is open: closes it so that the client comes back, to another replica. */
  closeForRestart?: () => void;

  constructor(
    req: IncomingMessage,
    readonly socket: Duplex,
    readonly head: Buffer,
    requestId: string,
    startedMs: number,
  ) {
    super(req, requestId, pathOf(req.url ?? '/'), startedMs);
  }
}

/** By now a WebSocket may be open, or come about in a moment. */
export function closeForRestart(exchange: UpgradeExchange): void {
  exchange.isRestartDue = true;
  exchange.closeForRestart?.();
}

export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
