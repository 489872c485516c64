import { HttpException } from '@nestjs/common';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import { GatewayError } from '../problem.js';
import { noSuchRoute } from '../routes.js';

/**
 * What Nest and Express throw themselves, in our codes: a route that does not exist, a path that cannot be decoded,
 * a body or query that a pipe refused. Anything else is handed back as it is.
 */
export function refusalIn(error: unknown, method: string, path: string): unknown {
  if (!(error instanceof HttpException)) return error;
  const status = error.getStatus();
  if (status === 404 || status === 405) return noSuchRoute(method, path);
  if (status === 413) return new GatewayError('PAYLOAD_TOO_LARGE', 'The body is larger than this API takes.');
  if (status === 400 && isUndecodable(path)) return undecodable(path);
  // Nest's own sentences may quote the request; the status says enough.
  if (status >= 400 && status < 500) return new LifecycleError('INVALID_REQUEST', 'The request is malformed.');
  return error;
}

function undecodable(path: string): LifecycleError {
  const code = path.startsWith('/api/v1/session/') ? 'INVALID_SESSION_ID' : 'INVALID_REQUEST';
  return new LifecycleError(code, 'The path cannot be decoded.');
}

function isUndecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return false;
  } catch {
    return true;
  }
}
