/**
 * One attempt to get one request answered by one pod, as undici tells it. Until undici hands the request to a
 * connection nothing was sent, and the attempt may end as `unsent`, to be made again elsewhere. From then on nothing
 * is ever sent again: what dies before its answer begins is POD_LOST, what dies later is broken off.
 */
import type { ServerResponse } from 'node:http';

import type { Dispatcher } from 'undici';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { Admission } from '../../lifecycle/sessions.js';
import type { Clock } from '../../platform/clock.js';
import type { GatewayMetrics } from '../gateway.metrics.js';
import { GatewayError } from '../problem.js';
import { Answer } from './answer.js';
import type { Outcome } from './attempts.js';
import type { HttpExchange } from './exchange.js';
import { headersFromPod, HSTS } from './header-passes.js';
import type { PodConnection } from './pod-connections.js';
import type { RequestBody } from './request-body.js';
import { NO_SLOT } from './slots.js';
import type { StreamWatch, Watched } from './stream-watch.js';

export interface Timeouts {
  /** For a connection to become free or be made; the dial itself ends a little earlier, and says why. */
  connectMs: number;
  firstByteMs: number;
  idleStreamMs: number;
}

export interface PodRequestParts {
  exchange: HttpExchange;
  admission: Admission;
  connection: PodConnection;
  body: RequestBody;
}

export interface Surroundings {
  clock: Clock;
  watch: StreamWatch;
  metrics: GatewayMetrics;
  timeouts: Timeouts;
}

interface Settlement {
  settle: (outcome: Outcome) => void;
  fail: (error: Error) => void;
}

const OVER: Outcome = { is: 'over' };
const MISDIRECTED_REQUEST = 421;
type Headers = Readonly<Record<string, string | string[] | undefined>>;

export class PodRequest implements Dispatcher.DispatchHandler, Watched {
  readonly outcome: Promise<Outcome>;
  readonly socket;
  slot = NO_SLOT;
  seenBytes = 0;
  movedAtMs = 0;
  private settlement!: Settlement;
  /** Nothing that undici still says of it matters any more. */
  private isDone = false;
  private controller?: Dispatcher.DispatchController;
  private sentAtMs = 0;
  /** Why we gave it up ourselves. */
  private reason?: Error;
  private readonly answer: Answer;

  constructor(
    private readonly parts: PodRequestParts,
    private readonly around: Surroundings,
  ) {
    const { exchange } = parts;
    this.socket = exchange.req.socket;
    this.outcome = this.settled();
    const resume = (): void => this.controller?.resume();
    this.answer = new Answer(exchange, around.clock, resume, () => this.controller?.pause());
    around.watch.add(this);
    exchange.onOver(() => this.over());
  }

  /** The last moment at which nothing was sent. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { admission, connection } = this.parts;
    if (this.isDone || connection.isGone || !admission.isFresh()) {
      controller.abort(new Error('the admission is no longer fresh'));
      return;
    }
    this.controller = controller;
    this.sentAtMs = this.around.clock.monotonicMs();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers, reason?: string): void {
    if (status < 200) return this.answer.inform(status, headers.link);
    const begin = (): void => this.begin(status, headers, reason);
    if (status !== MISDIRECTED_REQUEST) return begin();
    controller.pause();
    this.around.metrics.failed('misdirected');
    this.settlement.settle({ is: 'misdirected', passOn: () => this.passOn(begin), drop: () => this.drop() });
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.answer.write(piece);
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: Headers): void {
    this.answer.end(trailers);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.isDone) return;
    if (this.answer.isBegun) return this.brokenOff(error);
    this.finish();
    if (!this.controller) return this.notSent(error);
    if (!this.reason) this.lost();
    this.settlement.fail(this.reason ?? new GatewayError('POD_LOST', LOST, { cause: error }));
  }

  quietLimitMs(): number {
    const { connectMs, firstByteMs, idleStreamMs } = this.around.timeouts;
    if (!this.controller) return connectMs;
    return this.isStreaming ? idleStreamMs : firstByteMs;
  }

  onQuiet(): void {
    this.around.metrics.failed(this.isStreaming ? 'idle_timeout' : 'first_byte_timeout');
    this.giveUp(this.tooQuiet());
  }

  /** For a fault that is found while it is under way. */
  giveUp(reason: Error): void {
    if (this.isDone) return;
    this.reason = reason;
    if (this.controller) return this.controller.abort(reason);
    this.finish();
    this.settlement.fail(reason);
  }

  private get isStreaming(): boolean {
    return this.answer.isBegun || !this.parts.exchange.req.complete;
  }

  private begin(status: number, headers: Headers, reason: string | undefined): void {
    const { exchange, admission } = this.parts;
    const podMs = this.around.clock.monotonicMs() - this.sentAtMs;
    const { requestId, res } = exchange;
    const facts = { session: admission, requestId, podMs, cors: corsOn(res), hasHsts: res.hasHeader(HSTS) };
    this.answer.begin(status, reason, headersFromPod(headers, facts));
  }

  /** The pod is the right one after all: its 421 is an answer like any other. */
  private passOn(begin: () => void): Promise<Outcome> {
    if (this.parts.exchange.isOver) return Promise.resolve(OVER);
    if (this.isDone) return Promise.reject(new GatewayError('POD_LOST', LOST));
    const outcome = this.settled();
    begin();
    this.controller?.resume();
    return outcome;
  }

  private drop(): void {
    this.finish();
    this.controller?.abort(new Error('the answer is of no use'));
  }

  private notSent(error: Error): void {
    const code = (error as { code?: string }).code;
    if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
      const sentence = `The request cannot be passed on: ${error.message}.`;
      this.settlement.fail(new LifecycleError('INVALID_REQUEST', sentence));
    } else this.settlement.settle({ is: 'unsent', cause: error });
  }

  private lost(kind: 'lost' | 'broken' = 'lost'): void {
    this.around.metrics.failed(kind);
    this.parts.connection.distrust();
  }

  private brokenOff(error: Error): void {
    if (!this.reason) this.lost('broken');
    this.reason ??= error;
    this.answer.breakOff();
  }

  /** The answer is complete, or the client has gone: then the pod has nobody to answer to. */
  private over(): void {
    if (this.isDone) return;
    this.finish();
    if (!this.parts.exchange.res.writableFinished && !this.reason) this.clientGone();
    this.settlement.settle(OVER);
  }

  private clientGone(): void {
    this.around.metrics.failed('client_gone');
    this.controller?.abort(new Error('the client has gone'));
  }

  private tooQuiet(): Error {
    const { timeouts } = this.around;
    const { exchange, body } = this.parts;
    if (!this.controller) return new GatewayError('POD_UNREACHABLE', 'No connection to the pod became free in time.');
    if (exchange.req.complete) {
      const seconds = timeouts.firstByteMs / 1_000;
      return new GatewayError('POD_LOST', `The pod did not begin its answer within ${seconds} seconds.`);
    }
    const seconds = timeouts.idleStreamMs / 1_000;
    if (body.isHeldBack) return new GatewayError('POD_LOST', `The pod read nothing for ${seconds} seconds.`);
    return new LifecycleError('INVALID_REQUEST', `The body stopped coming for ${seconds} seconds.`);
  }

  private finish(): void {
    this.isDone = true;
    this.around.watch.remove(this);
  }

  private settled(): Promise<Outcome> {
    return new Promise((settle, fail) => {
      this.settlement = { settle, fail };
    });
  }
}

/** Nobody else has put any of these on an answer by now. */
function corsOn(res: ServerResponse): { vary?: string } | undefined {
  const vary = res.getHeader('vary');
  if (vary === undefined && !res.hasHeader('access-control-allow-origin')) return undefined;
  return { vary: vary === undefined ? undefined : String(vary) };
}

const LOST = 'The pod died or closed the connection before it answered; the request may have had effects.';
