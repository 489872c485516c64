import type { Route } from '../gateway.metrics.js';

const SESSION = /^\/api\/v1\/session\/([^/]+)(?:\/([^/]*))?$/;
const OF_A_SESSION = new Map<string, Route>([
  ['execute', 'execute'],
  ['status', 'status'],
  ['keepalive', 'keepalive'],
  ['logs', 'logs'],
  ['events', 'events'],
]);

/** Which of the closed list a control-plane path is, and the id in it as it stands there. */
export function labelOf(path: string): { route: Route; idText?: string } {
  if (path === '/api/v1/sessions') return { route: 'sessions' };
  const [, idText, rest] = SESSION.exec(path) ?? [];
  if (idText !== undefined) {
    const route = rest === undefined ? 'session' : OF_A_SESSION.get(rest);
    return route === undefined ? { route: 'other' } : { route, idText };
  }
  if (isUnder(path, '/health')) return { route: 'health' };
  return { route: path.startsWith('/docs') ? 'docs' : 'other' };
}

function isUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
