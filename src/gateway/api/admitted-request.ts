import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

import type { Caller } from '../../lifecycle/session.js';
import { parseSessionId, type SessionId } from '../../lifecycle/session-id.js';

/** A request once the caller guard has seen it. */
export interface AdmittedRequest extends Request {
  caller?: Caller;
}

/** Given by the edge to every request, and never the client's unless it was harmless. */
export function requestIdOf(request: Request): string {
  const id = request.headers['x-request-id'];
  return typeof id === 'string' ? id : '';
}

/** Who asks, as the guard established it. A route without the guard has no caller, and that is a fault of ours. */
export const TheCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<AdmittedRequest>();
  if (!caller) throw new Error('a route asks for its caller but is not behind the caller guard');
  return caller;
});

export const TheSessionId = createParamDecorator((_: unknown, context: ExecutionContext): SessionId =>
  sessionIdOf(context.switchToHttp().getRequest<Request>()),
);

export function sessionIdOf(request: Request): SessionId {
  return parseSessionId(String(request.params.id));
}
