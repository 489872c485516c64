import { dataPlaneTargetOf } from './data-plane-route.js';

describe('where a request goes', () => {
  it.each([
    ['POST', '/api/v1/session/a/execute', 'execute', 'a', '/execute'],
    ['POST', '/api/v1/session/a/execute?x=1&y', 'execute', 'a', '/execute?x=1&y'],
    ['GET', '/api/v1/session/a/proxy', 'proxy', 'a', '/'],
    ['GET', '/api/v1/session/a/proxy/', 'proxy', 'a', '/'],
    ['PUT', '/api/v1/session/a/proxy?q=1', 'proxy', 'a', '/?q=1'],
    ['DELETE', '/api/v1/session/a/proxy/x/y?z', 'proxy', 'a', '/x/y?z'],
    ['GET', '/api/v1/session/a/proxy//double', 'proxy', 'a', '//double'],
    ['GET', '/api/v1/session/a/proxy/../../b/status', 'proxy', 'a', '/../../b/status'],
    ['GET', '/api/v1/session/a/proxy/..%2f..%2fb;c=%00', 'proxy', 'a', '/..%2f..%2fb;c=%00'],
    ['GET', '/api/v1/session/a%7Eb/proxy/x', 'proxy', 'a~b', '/x'],
    // Illegal ids are the pod's business of nobody, but they are asked for here: the answer is 400, after the 401.
    ['POST', '/api/v1/session//execute', 'execute', '', '/execute'],
    ['POST', '/api/v1/session/a%2fexecute/execute', 'execute', 'a/execute', '/execute'],
    ['POST', '/api/v1/session/%zz/execute', 'execute', '%zz', '/execute'],
    ['POST', '/api/v1/session/../execute', 'execute', '..', '/execute'],
  ])('%s %s', (method, url, route, idText, podPath) => {
    expect(dataPlaneTargetOf(method, url, {})).toEqual({ route, idText, podPath });
  });

  it.each([
    ['GET', '/api/v1/session/a/execute'],
    ['POST', '/api/v1/session/a/execute/'],
    ['POST', '/api/v1/session/a/executes'],
    ['GET', '/api/v1/session/a/proxys'],
    ['GET', '/api/v1/session/a/status'],
    ['PUT', '/api/v1/session/a'],
    ['PUT', '/api/v1/session/a?x=/proxy/'],
    ['GET', '/api/v1/sessions'],
    ['GET', '/'],
  ])('%s %s is not for a pod', (method, url) => {
    expect(dataPlaneTargetOf(method, url, {})).toBeUndefined();
  });

  it.each(['/', '/anything?x', '/apis', '/healthz', '/metrics', '/documents', '/api/v2/x', '//api/v1/sessions'])(
    '%s goes to the session named in a header, as it is',
    (url) => {
      const expected = { route: 'transparent', idText: 'a', podPath: url };
      expect(dataPlaneTargetOf('GET', url, { 'x-session-id': 'a' })).toEqual(expected);
      expect(dataPlaneTargetOf('GET', url, { 'x-user-id': 'a' })).toEqual(expected);
      expect(dataPlaneTargetOf('GET', url, { 'x-session-id': 'a', 'x-user-id': 'b' })).toEqual(expected);
    },
  );

  it.each([
    '/api/v1',
    '/api/v1/sessions',
    '/api/v1/session/b/status',
    '/docs',
    '/docs/x',
    '/docs-json',
    '/health/live',
  ])('%s is Berth’s own whatever a header says', (url) => {
    expect(dataPlaneTargetOf('GET', url, { 'x-session-id': 'a' })).toBeUndefined();
  });

  it('takes the session of the path, not the one of a header', () => {
    const target = dataPlaneTargetOf('GET', '/api/v1/session/a/proxy/x', { 'x-session-id': 'b' });
    expect(target?.idText).toBe('a');
  });
});
