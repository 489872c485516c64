import { METHODS } from 'node:http';

import { methodsAllowedAt } from './routes.js';

describe('what may be asked of a path', () => {
  it.each([
    ['/api/v1/session/a', ['PUT', 'DELETE']],
    ['/api/v1/session/a/status', ['GET', 'HEAD']],
    ['/api/v1/session/a/execute', ['POST']],
    ['/api/v1/session/a/keepalive', ['POST']],
    ['/api/v1/session/a/logs', ['GET', 'HEAD']],
    ['/api/v1/session/a/events', ['GET', 'HEAD']],
    ['/api/v1/session/not%20legal/status', ['GET', 'HEAD']],
    ['/api/v1/sessions', ['GET', 'HEAD']],
    ['/health', ['GET', 'HEAD']],
    ['/health/ready', ['GET', 'HEAD']],
  ])('%s: %j', (path, methods) => {
    expect(methodsAllowedAt(path)).toEqual(methods);
  });

  it.each(['/api/v1/session/a/proxy', '/api/v1/session/a/proxy/', '/api/v1/session/a/proxy/x/y?z\n'])(
    '%j: anything',
    (path) => {
      expect(methodsAllowedAt(path)).toEqual(METHODS);
    },
  );

  it.each([
    '/',
    '/api/v1/session',
    '/api/v1/session/',
    '/api/v1/session//status',
    '/api/v1/session/a/other',
    '/api/v1/session/a/status/',
    '/api/v1/session/a/b/status',
    '/api/v1/session/a/proxyx',
    '/API/v1/session/a/status',
    '/x/api/v1/sessions',
    '/api/v1/sessions/x',
    '/metrics',
  ])('%s: nothing of its own', (path) => {
    expect(methodsAllowedAt(path)).toBeUndefined();
  });
});
