import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';

const GENERATION = /^[1-9]\d{0,14}$/;
const WAIT = /^wait\s*=\s*(.*)$/i;
const SECONDS = /^"?(\d{1,9})"?$/;

/**
 * How long the client is willing to wait for a session that is not ready (RFC 7240): `respond-async` not at all,
 * `wait=N` N seconds, both together N seconds. Undefined: until it is ready or has failed. Preferences that Berth
 * does not know are ignored, as the RFC asks.
 */
export function patienceMsOf(prefer: string | string[] | undefined): number | undefined {
  if (prefer === undefined) return undefined;
  let patienceMs: number | undefined;
  for (const preference of String(prefer).split(',')) {
    const token = preference.split(';', 1)[0]!.trim();
    const wait = WAIT.exec(token)?.[1];
    if (wait !== undefined) patienceMs = secondsOf(wait) * 1_000;
    else if (token.toLowerCase() === 'respond-async') patienceMs ??= 0;
  }
  return patienceMs;
}

/** If-Session-Generation: the only generation that the client wants to be served by. */
export function generationOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && GENERATION.test(header)) return Number(header);
  throw new LifecycleError('INVALID_REQUEST', 'If-Session-Generation takes one whole number of at least 1.');
}

function secondsOf(text: string): number {
  const seconds = SECONDS.exec(text)?.[1];
  if (seconds !== undefined) return Number(seconds);
  throw new LifecycleError('INVALID_REQUEST', 'Prefer: wait takes a whole number of seconds.');
}
