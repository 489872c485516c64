/**
 * One attempt to get one request answered by one pod. Until it is its turn on a connection nothing was sent, and the
 * attempt may end as `unsent`, to be made again elsewhere. From then on nothing is ever sent again: what dies before its
 * answer begins is POD_LOST, what dies later is broken off.
 */
import type { ServerResponse } from 'node:http';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { Admission } from '../../lifecycle/sessions.js';
import type { Clock } from '../../platform/clock.js';
import type { GatewayMetrics } from '../gateway.metrics.js';
import { GatewayError } from '../problem.js';
import { Answer } from './answer.js';
import type { Outcome } from './attempts.js';
import type { HttpExchange } from './exchange.js';
import { type Fields, headersFromPod, HSTS } from './header-passes.js';
import type { PodConnection } from './pod-connections.js';
import type { AnswerHead } from './pod-http/answer-head.js';
import type { OutgoingRequest } from './pod-http/outgoing-request.js';
import type { Asker, PodWire } from './pod-http/pod-wire.js';
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
  path: string;
  fields: Fields;
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

export class PodRequest implements Asker, Watched {
  readonly outcome: Promise<Outcome>;
  readonly socket;
  slot = NO_SLOT;
  seenBytes = 0;
  movedAtMs = 0;
  private settlement!: Settlement;
  /** Nothing that is still said of it matters any more. */
  private isDone = false;
  private isSent = false;
  /** From its turn to the end of the answer. */
  private wire?: PodWire;
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
    const resume = (): void => this.wire?.resume();
    this.answer = new Answer(exchange, around.clock, resume, () => this.wire?.pause());
    around.watch.add(this);
    exchange.onOver(() => this.over());
  }

  onTurn(wire: PodWire): OutgoingRequest | undefined {
    const { admission, connection, exchange, body, path, fields } = this.parts;
    if (this.isDone) return undefined;
    if (connection.isGone || !admission.isFresh()) {
      this.onFailed(new Error('the admission is no longer fresh'));
      return undefined;
    }
    this.isSent = true;
    this.wire = wire;
    this.sentAtMs = this.around.clock.monotonicMs();
    return {
      method: exchange.req.method!,
      path,
      host: admission.address,
      fields,
      body: body.forAttempt((error) => this.giveUp(error)),
      length: body.lengthBytes,
    };
  }

  onHead(head: AnswerHead): void {
    if (head.status < 200) return this.answer.inform(head.status, head.fields);
    if (head.status !== MISDIRECTED_REQUEST) return this.begin(head);
    this.wire?.pause();
    this.around.metrics.failed('misdirected');
    this.settlement.settle({ is: 'misdirected', passOn: () => this.passOn(head), drop: () => this.drop() });
  }

  onPiece(piece: Buffer): void {
    this.answer.write(piece);
  }

  onEnd(trailers: Fields): void {
    this.wire = undefined;
    this.answer.end(trailers);
  }

  onFailed(error: Error): void {
    this.wire = undefined;
    if (this.isDone) return;
    if (this.answer.isBegun) return this.brokenOff(error);
    this.finish();
    if (!this.isSent) return this.settlement.settle({ is: 'unsent', cause: error });
    if (!this.reason) this.lost();
    this.settlement.fail(this.reason ?? new GatewayError('POD_LOST', LOST, { cause: error }));
  }

  quietLimitMs(): number {
    const { connectMs, firstByteMs, idleStreamMs } = this.around.timeouts;
    if (!this.isSent) return connectMs;
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
    if (this.wire) return this.wire.abort(reason);
    this.finish();
    this.settlement.fail(reason);
  }

  private get isStreaming(): boolean {
    return this.answer.isBegun || !this.parts.exchange.req.complete;
  }

  private begin({ status, reason, fields, length }: AnswerHead): void {
    const { exchange, admission } = this.parts;
    const podMs = this.around.clock.monotonicMs() - this.sentAtMs;
    const { requestId, res } = exchange;
    const facts = { session: admission, requestId, podMs, cors: corsOn(res), hasHsts: res.hasHeader(HSTS) };
    this.answer.begin(status, reason, headersFromPod(fields, facts), length);
  }

  /** The pod is the right one after all: its 421 is an answer like any other. */
  private passOn(head: AnswerHead): Promise<Outcome> {
    if (this.parts.exchange.isOver) return Promise.resolve(OVER);
    if (this.isDone) return Promise.reject(new GatewayError('POD_LOST', LOST));
    const outcome = this.settled();
    this.begin(head);
    this.wire?.resume();
    return outcome;
  }

  private drop(): void {
    this.finish();
    this.wire?.abort(new Error('the answer is of no use'));
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
    this.wire?.abort(new Error('the client has gone'));
  }

  private tooQuiet(): Error {
    const { timeouts } = this.around;
    const { exchange, body } = this.parts;
    if (!this.isSent) return new GatewayError('POD_UNREACHABLE', 'No connection to the pod became free in time.');
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
