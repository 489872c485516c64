/** Every way a call on a session can be refused. The list is closed: the gateway's HTTP table names each. */
export type LifecycleErrorCode =
  | 'INVALID_SESSION_ID'
  | 'INVALID_REQUEST'
  | 'FORBIDDEN'
  | 'SESSION_NOT_FOUND'
  | 'SESSION_CONFLICT'
  | 'SESSION_TERMINATING'
  | 'GENERATION_MISMATCH'
  | 'OWNER_LIMIT'
  | 'CAPACITY_EXHAUSTED'
  | 'TOO_MANY_WAITING'
  | 'SESSION_START_FAILED'
  | 'SESSION_START_TIMEOUT'
  | 'DEPENDENCY_UNAVAILABLE'
  | 'SHUTTING_DOWN';

export interface ErrorFacts {
  /** The machine's word for why, for example CrashLoopBackOff. */
  reason?: string;
  /** How long to wait before asking again; the gateway adds jitter. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** The sentence says what happened and what to do; it is shown to the client. */
export class LifecycleError extends Error {
  readonly reason?: string;
  readonly retryAfterMs?: number;

  constructor(
    readonly code: LifecycleErrorCode,
    sentence: string,
    facts: ErrorFacts = {},
  ) {
    super(sentence, { cause: facts.cause });
    this.name = 'LifecycleError';
    this.reason = facts.reason;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** The store did not answer: nothing is known about what it holds. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
}

/** The store answers but has lost its memory: until the leader's import nothing may be decided on what it says. */
export class MemoryLost extends Error {
  override name = 'MemoryLost';
}

/** The runtime did not answer: nothing is known about its pods, above all not that one is absent. */
export class RuntimeUnavailable extends Error {
  override name = 'RuntimeUnavailable';
}

/** The runtime answered and does not make this pod; `reason` and the message are shown to the client. */
abstract class NotMade extends Error {
  constructor(
    readonly reason: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** For good: the same order would be refused again. */
export class PodRefused extends NotMade {
  override name = 'PodRefused';
}

/** Not now: there is no room, for example. Worth asking again for as long as the start may take. */
export class PodHeldBack extends NotMade {
  override name = 'PodHeldBack';
}

/** Something outside is away: not a mistake of ours, and worth trying again. */
export function isOutage(error: unknown): boolean {
  return error instanceof StoreUnavailable || error instanceof MemoryLost || error instanceof RuntimeUnavailable;
}
