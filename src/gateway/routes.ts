import { METHODS } from 'node:http';

import { GatewayError } from './problem.js';

/**
 * Every path that is Berth's own, whoever serves it. What stands here and is asked with another method is 405; what
 * does not stand here and names no session is 404. The OpenAPI document is compared with this table by a test.
 */
export interface Route {
  /** As OpenAPI writes it; `{path}` at the end takes the rest. */
  path: string;
  methods: readonly string[] | 'any';
  /** data: the edge, outside Nest. control: the controllers in api/. open: without a token. */
  served: 'data' | 'control' | 'open';
  isDocumented?: false;
}

const SESSION = '/api/v1/session/{id}';

export const ROUTES: readonly Route[] = [
  { path: `${SESSION}/execute`, methods: ['POST'], served: 'data' },
  { path: `${SESSION}/proxy/{path}`, methods: 'any', served: 'data' },
  { path: SESSION, methods: ['PUT', 'DELETE'], served: 'control' },
  { path: `${SESSION}/status`, methods: ['GET'], served: 'control' },
  { path: `${SESSION}/keepalive`, methods: ['POST'], served: 'control' },
  { path: `${SESSION}/logs`, methods: ['GET'], served: 'control' },
  { path: `${SESSION}/events`, methods: ['GET'], served: 'control' },
  { path: '/api/v1/sessions', methods: ['GET'], served: 'control' },
  { path: '/health', methods: ['GET'], served: 'open' },
  { path: '/health/live', methods: ['GET'], served: 'open' },
  { path: '/health/ready', methods: ['GET'], served: 'open' },
  { path: '/docs', methods: ['GET'], served: 'open', isDocumented: false },
  { path: '/docs-json', methods: ['GET'], served: 'open', isDocumented: false },
];

const MATCHERS = ROUTES.map(({ path, methods }) => ({
  pattern: new RegExp(`^${path.replace('{id}', '[^/]+').replace('/{path}', '(/.*)?')}$`, 's'),
  methods: methods === 'any' ? METHODS : allowed(methods),
}));

/** What may be asked of a path (without its query), or undefined where it is none of Berth's own. */
export function methodsAllowedAt(path: string): readonly string[] | undefined {
  return MATCHERS.find(({ pattern }) => pattern.test(path))?.methods;
}

/** The 404 or 405 for a request that nothing serves. */
export function noSuchRoute(method: string, path: string): GatewayError {
  const allow = methodsAllowedAt(path);
  if (allow && !allow.includes(method))
    return new GatewayError('METHOD_NOT_ALLOWED', `Use ${allow.join(' or ')} here.`, { allow });
  return new GatewayError(
    'ROUTE_NOT_FOUND',
    'There is nothing at this path; see /docs. To reach a session, name it in the path or in X-Session-ID.',
  );
}

/** Express answers HEAD wherever it answers GET. */
function allowed(methods: readonly string[]): readonly string[] {
  return methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}
