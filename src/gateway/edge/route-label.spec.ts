import { labelOf } from './route-label.js';

it.each([
  ['/api/v1/sessions', 'sessions', undefined],
  ['/api/v1/session/a', 'session', 'a'],
  ['/api/v1/session/a/status', 'status', 'a'],
  ['/api/v1/session/a/keepalive', 'keepalive', 'a'],
  ['/api/v1/session/a/logs', 'logs', 'a'],
  ['/api/v1/session/a/events', 'events', 'a'],
  ['/api/v1/session/a/execute', 'execute', 'a'],
  ['/api/v1/session/a/anything', 'other', undefined],
  ['/api/v1/session/', 'other', undefined],
  ['/health', 'health', undefined],
  ['/health/ready', 'health', undefined],
  ['/healthy', 'other', undefined],
  ['/docs', 'docs', undefined],
  ['/docs-json', 'docs', undefined],
  ['/', 'other', undefined],
])('%s is counted as %s', (path, route, idText) => {
  expect(labelOf(path)).toEqual(idText === undefined ? { route } : { route, idText });
});
