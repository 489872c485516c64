import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';

import { Logger } from '../../platform/logger.js';
import { Randomness } from '../../platform/randomness.js';
import { problemOf } from '../problem.js';
import { requestIdOf } from './admitted-request.js';
import { refusalIn } from './http-exceptions.js';

/** The one place where an error of the control plane becomes an answer. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly randomness: Randomness,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const instance = pathOf(request);
    if (isHealthReport(error, instance)) return void response.status(503).json(error.getResponse());
    const context = { requestId: requestIdOf(request), instance, jitter: this.randomness.fraction() };
    const problem = problemOf(refusalIn(error, request.method, instance), context);
    if (problem.isBug)
      this.logger.error({ event: 'request.failed', error, requestId: context.requestId }, problem.body.detail);
    // Half an answer is out: the client must see that it is not whole.
    if (response.headersSent) return void response.destroy();
    response.writeHead(problem.status, problem.headers).end(JSON.stringify(problem.body));
  }
}

/** The path as it was sent; its query may carry secrets. */
function pathOf(request: Request): string {
  return request.originalUrl.split('?', 1)[0] ?? '';
}

/** terminus says by an exception what is down; load balancers and people read its own form. */
function isHealthReport(error: unknown, path: string): error is HttpException {
  return error instanceof HttpException && error.getStatus() === 503 && /^\/health(\/|$)/.test(path);
}
