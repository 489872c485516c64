import type { IncomingMessage, ServerResponse } from 'node:http';

import cors from 'cors';

/** What a browser's script may read of an answer beside its body. */
const EXPOSED = [
  'X-Session-Id',
  'X-Session-Generation',
  'X-Session-Restarts',
  'X-Session-Start',
  'X-Request-Id',
  'Server-Timing',
  'Retry-After',
  'Location',
];
const PREFLIGHT_SECONDS = 600;

/** Says whether it has answered: preflights end here, they carry no token and need none. */
export type Cors = (req: IncomingMessage, res: ServerResponse) => boolean;

/** CORS_ORIGINS for everything on the port; undefined when no browser of another origin may call. */
export function corsFor(origins: readonly string[]): Cors | undefined {
  if (origins.length === 0) return undefined;
  const handle = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    exposedHeaders: EXPOSED,
    maxAge: PREFLIGHT_SECONDS,
  });
  return (req, res) => {
    if (isPreflight(req)) {
      handle(req, res, () => undefined);
      return true;
    }
    // The package takes any OPTIONS for a preflight; an application behind us may have its own.
    if (req.method === 'OPTIONS') return false;
    handle(req, res, () => undefined);
    return false;
  };
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}
