import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { isOutage } from '../../lifecycle/lifecycle.errors.js';
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';
import type { Randomness } from '../../platform/randomness.js';
import { type Problem, problemOf } from '../problem.js';
import type { Exchange, HttpExchange, UpgradeExchange } from './exchange.js';
import { type AnswerFields, HSTS, nameAnswer } from './header-passes.js';
import { writeRawAnswer } from './raw-answer.js';
import { endWithUnread, survivesUnread } from './unread-body.js';

/** The one place where the data plane's refusals are logged and written. */
export class ProblemWriter {
  constructor(
    private readonly logger: Logger,
    private readonly randomness: Randomness,
    private readonly clock: Clock,
  ) {}

  /** The answer to an ordinary request. Once an answer has begun there is no other way to say it than to break off. */
  answer(exchange: HttpExchange, error: unknown): void {
    if (exchange.isOver) return;
    const { res, req } = exchange;
    const problem = this.problemFor(exchange, error);
    if (res.headersSent) return void res.destroy();
    forgetHeaders(res);
    const text = JSON.stringify(problem.body);
    if (!survivesUnread(req)) res.shouldKeepAlive = false;
    res.writeHead(problem.status, [...fieldsOf(problem, exchange), 'Content-Length', String(Buffer.byteLength(text))]);
    endWithUnread(exchange, text, this.clock);
  }

  /** The answer to an upgrade: there is only its socket. */
  refuse(exchange: UpgradeExchange, error: unknown): void {
    if (exchange.isOver) return;
    const problem = this.problemFor(exchange, error);
    exchange.status = problem.status;
    writeRawAnswer(
      exchange.socket,
      problem.status,
      fieldsOf(problem, exchange),
      JSON.stringify(problem.body),
      this.clock,
    );
  }

  /** The answer to what could not even be read as a request. */
  refuseUnread(socket: Socket | Duplex, error: unknown): number {
    const requestId = this.randomness.uuid();
    const problem = problemOf(error, { requestId, instance: '', jitter: 0 });
    const fields = [...Object.entries(problem.headers).flat(), 'X-Request-Id', requestId];
    writeRawAnswer(socket, problem.status, fields, JSON.stringify(problem.body), this.clock);
    return problem.status;
  }

  private problemFor(exchange: Exchange, error: unknown): Problem {
    const { requestId, path: instance, sessionId } = exchange;
    const problem = problemOf(error, { requestId, instance, jitter: this.randomness.fraction() });
    exchange.errorCode = problem.body.code;
    const { code, detail } = problem.body;
    const fields = { event: 'request.failed', sessionId, requestId, code };
    if (problem.isBug) this.logger.error({ ...fields, error }, detail);
    else if (problem.status >= 500) this.logger.warn({ ...fields, error: causeOf(error) }, detail);
    return problem;
  }
}

/** What was set for an answer that did not come about, all but what browsers need with this one. */
function forgetHeaders(res: ServerResponse): void {
  for (const name of res.getHeaderNames()) {
    if (name !== 'vary' && name !== HSTS && !name.startsWith('access-control-')) res.removeHeader(name);
  }
}

function fieldsOf(problem: Problem, exchange: Exchange): AnswerFields {
  const fields: AnswerFields = Object.entries(problem.headers).flat();
  const { sessionId, session } = exchange;
  nameAnswer(fields, exchange.requestId, session);
  if (!session && sessionId !== undefined) fields.push('X-Session-Id', sessionId);
  return fields;
}

/** The sentence of a refusal is logged already, what led to it is not; an outage is its own cause. */
function causeOf(error: unknown): unknown {
  return isOutage(error) ? error : (error as Error).cause;
}
