/** What the API server answered, or `status` undefined: nothing is known then, above all not that it was not done. */
export class KubernetesError extends Error {
  override name = 'KubernetesError';
  /** HTTP status of the answer. */
  readonly status?: number;
  /** The Status object's machine-readable reason: `AlreadyExists`, `Conflict`, `Expired`, ... */
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly retryAfterMs?: number;

  constructor(message: string, { cause, ...facts }: KubernetesErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    Object.assign(this, facts);
  }
}

export interface KubernetesErrorFacts {
  status?: number;
  reason?: string;
  details?: StatusDetails;
  retryAfterMs?: number;
  cause?: unknown;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason?: string; message?: string; field?: string }[];
  retryAfterSeconds?: number;
}

interface Status {
  message?: string;
  reason?: string;
  code?: number;
  details?: StatusDetails;
}

type Headers = Record<string, string | string[] | undefined>;

/** Whatever a call threw, in this program's words. */
export function asKubernetesError(error: unknown): KubernetesError {
  if (error instanceof KubernetesError) return error;
  // Nothing of it is worth a line in the log: a DOMException brings its table of numbers along.
  if ((error as Error | undefined)?.name === 'TimeoutError') {
    return new KubernetesError('The Kubernetes API server did not answer in time.');
  }
  return new KubernetesError(connectionFailure(error), { cause: error });
}

/** From an answer that is no success. */
export function fromAnswer(status: number, body: unknown, headers: Headers = {}): KubernetesError {
  const { message, reason, details } = statusOf(body);
  return new KubernetesError(message || `The Kubernetes API server answered ${status}.`, {
    status,
    reason,
    details,
    retryAfterMs: secondsToMs(headers['retry-after'] ?? details?.retryAfterSeconds),
  });
}

/** From a Status object, as a watch brings it among its events. */
export function fromStatus(status: unknown): KubernetesError {
  return fromAnswer(statusOf(status).code ?? 500, status);
}

function statusOf(body: unknown): Status {
  const parsed = typeof body === 'string' ? parseOrNothing(body) : body;
  if (typeof parsed !== 'object' || parsed === null) return {};
  const { message, reason, code, details } = parsed as Record<string, unknown>;
  return {
    message: typeof message === 'string' ? message : undefined,
    reason: typeof reason === 'string' && reason !== '' ? reason : undefined,
    code: typeof code === 'number' ? code : undefined,
    details: typeof details === 'object' && details !== null ? details : undefined,
  };
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function secondsToMs(seconds: unknown): number | undefined {
  const value = Number(Array.isArray(seconds) ? seconds[0] : seconds);
  return Number.isFinite(value) && value > 0 ? value * 1_000 : undefined;
}

/** The innermost reason says most: undici's `fetch failed` has the connection's error as its cause. */
function connectionFailure(error: unknown): string {
  let innermost = error;
  for (let depth = 0; depth < 5 && innermost instanceof Error && innermost.cause !== undefined; depth++) {
    innermost = innermost.cause;
  }
  if (innermost instanceof AggregateError && innermost.errors.length > 0) innermost = innermost.errors[0];
  const text = innermost instanceof Error ? innermost.message : String(innermost);
  return `The Kubernetes API server could not be asked: ${text || 'no reason is known'}`;
}
