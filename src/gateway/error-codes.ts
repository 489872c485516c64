import type { LifecycleErrorCode } from '../lifecycle/lifecycle.errors.js';

export type GatewayErrorCode =
  | 'UNAUTHENTICATED'
  | 'ROUTE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'PAYLOAD_TOO_LARGE'
  | 'RATE_LIMITED'
  | 'POD_UNREACHABLE'
  | 'POD_LOST';

export type ErrorCode = LifecycleErrorCode | GatewayErrorCode;

/** The HTTP table: does not compile when a code is missing. The README's table is compared with it by a test. */
export const HTTP_ERRORS: Readonly<Record<ErrorCode, { status: number; title: string }>> = {
  INVALID_SESSION_ID: { status: 400, title: 'The session id is not legal' },
  INVALID_REQUEST: { status: 400, title: 'The request is not understood' },
  UNAUTHENTICATED: { status: 401, title: 'A valid token is needed' },
  FORBIDDEN: { status: 403, title: 'The token does not allow this' },
  SESSION_NOT_FOUND: { status: 404, title: 'There is no such session' },
  ROUTE_NOT_FOUND: { status: 404, title: 'There is no such route' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed here' },
  SESSION_CONFLICT: { status: 409, title: 'The session is of another kind' },
  SESSION_TERMINATING: { status: 409, title: 'The session was ended' },
  GENERATION_MISMATCH: { status: 412, title: 'The session is of another generation' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is too large' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  OWNER_LIMIT: { status: 429, title: 'Too many sessions of this owner' },
  POD_UNREACHABLE: { status: 502, title: 'The pod could not be reached' },
  POD_LOST: { status: 502, title: 'The pod was lost before it answered' },
  CAPACITY_EXHAUSTED: { status: 503, title: 'All places for sessions are taken' },
  TOO_MANY_WAITING: { status: 503, title: 'Too many requests are waiting for pods' },
  SESSION_START_FAILED: { status: 503, title: 'The pod does not start' },
  DEPENDENCY_UNAVAILABLE: { status: 503, title: 'Something that is needed is away' },
  SHUTTING_DOWN: { status: 503, title: 'This replica is stopping' },
  SESSION_START_TIMEOUT: { status: 504, title: 'The pod did not start in time' },
};
