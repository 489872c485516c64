/**
 * What happens to every request before anybody looks at what it wants: it gets an id, is counted, and is either
 * answered here (not HTTP, CORS), or goes to a session's pod, or to the API. Requests for pods do not pass Express:
 * that alone would cost more than all the rest (docs/decisions).
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import { isSessionId } from '../../lifecycle/session-id.js';
import type { Clock } from '../../platform/clock.js';
import type { Randomness } from '../../platform/randomness.js';
import type { DataPlane } from '../proxy/data-plane.js';
import { dataPlaneTargetOf } from '../proxy/data-plane-route.js';
import { type Exchange, hasBody, HttpExchange, pathOf, UpgradeExchange } from '../proxy/exchange.js';
import { HSTS } from '../proxy/header-passes.js';
import { NO_SLOT } from '../proxy/slots.js';
import type { StreamWatch } from '../proxy/stream-watch.js';
import type { WebSocketForwarder } from '../proxy/websocket/websocket-forwarder.js';
import type { ProblemWriter } from '../proxy/write-problem.js';
import { noSuchRoute } from '../routes.js';
import type { AccessLog } from './access-log.js';
import type { Cors } from './cors.js';
import { InFlight } from './in-flight.js';
import { faultOf, losesItsPlace, nameRequest, toOriginForm } from './request-head.js';
import { labelOf } from './route-label.js';
import { isEnding, isItsTurn, Turns } from './turns.js';

export interface IntakeParts {
  dataPlane: DataPlane;
  webSockets: WebSocketForwarder;
  problems: ProblemWriter;
  accessLog: AccessLog;
  watch: StreamWatch;
}

export interface IntakeOptions {
  cors: Cors | undefined;
  /** 0: browsers are told nothing. */
  hstsSeconds: number;
  idleStreamMs: number;
}

/**
 * `leaving`: all is served, but no connection is kept for a next request. `parting`: what comes on connections that
 * are still there is served, but no WebSocket is opened. `closed`: nothing new is served.
 */
type Stage = 'open' | 'leaving' | 'parting' | 'closed';

export class Intake {
  readonly inFlight = new InFlight();
  /** Everything that is not for a pod; set when the API stands. */
  api: RequestListener = (_req, res) => void res.writeHead(503).end();
  stage: Stage = 'open';
  private readonly turns = new Turns();
  /** Connections to be closed once what stands before a fault is answered. */
  private readonly faulty = new WeakSet<Duplex>();

  constructor(
    private readonly parts: IntakeParts,
    private readonly options: IntakeOptions,
    private readonly randomness: Randomness,
    private readonly clock: Clock,
  ) {}

  handle(req: IncomingMessage, res: ServerResponse, awaitsContinue = false): void {
    if (isEnding(req.socket)) return;
    if (!isItsTurn(res)) return this.turns.wait(req, res, () => this.handle(req, res, awaitsContinue));
    if (losesItsPlace(req)) res.shouldKeepAlive = false;
    const exchange = this.begin(req, res);
    exchange.awaitsContinue = awaitsContinue;
    const refusal = faultOf(req) ?? (this.stage === 'closed' ? stopping() : undefined);
    if (refusal) {
      res.shouldKeepAlive = false;
      return this.parts.problems.answer(exchange, refusal);
    }
    if (this.options.cors?.(req, res)) return;
    const target = dataPlaneTargetOf(req.method, req.url!, req.headers);
    if (target) void this.parts.dataPlane.serve(exchange, target);
    else this.toApi(exchange);
  }

  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined); // 'close' follows, and tells
    if (isEnding(socket)) return;
    toOriginForm(req);
    const requestId = nameRequest(req, this.randomness);
    const exchange = new UpgradeExchange(req, socket, head, requestId, this.clock.monotonicMs());
    this.track(exchange);
    socket.once('close', () => exchange.end());
    const refusal =
      faultOf(req) ??
      upgradeFaultOf(req) ??
      (this.stage === 'open' || this.stage === 'leaving' ? undefined : stopping());
    if (refusal) return this.parts.problems.refuse(exchange, refusal);
    const target = dataPlaneTargetOf(req.method, req.url!, req.headers);
    if (target) void this.parts.webSockets.serve(exchange, target);
    else this.parts.problems.refuse(exchange, noSuchRoute('GET', exchange.path));
  }

  /** There is one answer on a connection at a time. */
  isAnswering(socket: Duplex): boolean {
    return this.exchangeOn(socket) !== undefined;
  }

  /** What is not worth more than a word. */
  refuse(socket: Duplex, error: unknown): void {
    socket.on('error', () => undefined);
    socket.once('end', () => socket.destroy()).resume();
    this.afterAnswers(socket, () => void this.parts.problems.refuseUnread(socket, error));
  }

  /** What Node's parser could not read, or waited for too long. */
  malformed(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (isEnding(socket)) return;
    const exchange = this.exchangeOn(socket);
    const hasLeft = HANG_UPS.has(error.code ?? '') || !socket.writable;
    if (exchange?.req.complete && !hasLeft) return this.putOff(error, socket);
    exchange?.end(); // a body is the fault: no pod must take it for complete
    // Our own refusal is still on its way out; any other answer that has begun must not look whole.
    const isBegun = exchange?.res.headersSent ?? false;
    if (isBegun && exchange!.errorCode !== undefined) return void (socket as Socket).destroySoon();
    if (hasLeft || isBegun) return void socket.destroy();
    const status = this.parts.problems.refuseUnread(socket, new LifecycleError('INVALID_REQUEST', sentenceFor(error)));
    this.parts.accessLog.malformed(status, error.code ?? error.message);
  }

  /** From now on every answer that begins says that its connection closes. */
  stopKeepingAlive(): void {
    if (this.stage !== 'open') return;
    this.stage = 'leaving';
    for (const exchange of this.inFlight.all()) {
      if (exchange instanceof HttpExchange) exchange.res.shouldKeepAlive = false;
    }
  }

  private begin(req: IncomingMessage, res: ServerResponse): HttpExchange {
    toOriginForm(req);
    const requestId = nameRequest(req, this.randomness);
    const exchange = new HttpExchange(req, res, requestId, pathOf(req.url!), this.clock.monotonicMs());
    this.track(exchange);
    res.once('close', () => exchange.end());
    if (this.stage !== 'open') res.shouldKeepAlive = false;
    const { hstsSeconds } = this.options;
    if (hstsSeconds > 0) res.setHeader(HSTS, `max-age=${hstsSeconds}`);
    return exchange;
  }

  private track(exchange: Exchange): void {
    this.inFlight.begin(exchange);
    exchange.onOver(() => {
      this.inFlight.end(exchange);
      this.parts.accessLog.write(exchange);
    });
  }

  private toApi(exchange: HttpExchange): void {
    const { req, res, path } = exchange;
    const { route, idText } = labelOf(path);
    exchange.route = route;
    if (idText !== undefined && isSessionId(idText)) exchange.sessionId = idText;
    res.setHeader('X-Request-Id', exchange.requestId);
    if (exchange.hasBody && !req.complete) this.watchUpload(exchange);
    if (exchange.awaitsContinue) exchange.sendContinue();
    this.api(req, res);
  }

  /** Node's own time-out for requests is off, because it would end bodies that keep moving. */
  private watchUpload(exchange: HttpExchange): void {
    const { req } = exchange;
    const { socket } = req;
    const quietLimitMs = (): number => (req.complete ? 0 : this.options.idleStreamMs);
    const notes = { slot: NO_SLOT, seenBytes: 0, movedAtMs: 0 };
    const upload = { socket, quietLimitMs, onQuiet: () => this.parts.problems.answer(exchange, stalled()), ...notes };
    this.parts.watch.add(upload);
    exchange.onOver(() => this.parts.watch.remove(upload));
  }

  /** The fault stands behind a request that is being answered, and is none of it. */
  private putOff(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (this.faulty.has(socket)) return; // all that comes behind a fault is one
    this.faulty.add(socket);
    // A head that was late may be there by then, and answered: no word more.
    const closing = (): void => (socket as Socket).destroySoon();
    this.afterAnswers(socket, error.code === HEAD_IS_LATE ? closing : () => this.malformed(error, socket));
  }

  private afterAnswers(socket: Duplex, then: () => void): void {
    if (isEnding(socket)) return;
    const exchange = this.exchangeOn(socket);
    if (!exchange?.req.complete) return then();
    exchange.onOver(() => this.afterAnswers(socket, then));
  }

  private exchangeOn(socket: Duplex): HttpExchange | undefined {
    const isOnIt = (exchange: Exchange): exchange is HttpExchange =>
      exchange instanceof HttpExchange && exchange.req.socket === socket;
    return this.inFlight.all().find(isOnIt);
  }
}

/** The client left, in the middle of something or not: no malformed request. */
const HANG_UPS = new Set(['ECONNRESET', 'HPE_INVALID_EOF_STATE']);
const HEAD_IS_LATE = 'ERR_HTTP_REQUEST_TIMEOUT';

function stopping(): LifecycleError {
  return new LifecycleError('SHUTTING_DOWN', 'This replica is stopping; try again, another one will answer.');
}

function stalled(): LifecycleError {
  return new LifecycleError('INVALID_REQUEST', 'The body stopped coming.');
}

/** Bytes after the head of an upgrade belong to the new protocol; a body would be taken for them. */
function upgradeFaultOf(req: IncomingMessage): LifecycleError | undefined {
  return hasBody(req) ? new LifecycleError('INVALID_REQUEST', 'A request to upgrade has no body.') : undefined;
}

function sentenceFor({ code }: NodeJS.ErrnoException): string {
  if (code === 'HPE_HEADER_OVERFLOW') return 'The head of the request is too large.';
  if (code === HEAD_IS_LATE) return 'The head of the request did not come in time.';
  return 'This is not a well-formed HTTP/1.1 request.';
}
