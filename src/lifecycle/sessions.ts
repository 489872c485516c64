import type { Caller, Env, EndedBy, Failure, Session, Timeouts } from './session.js';
import type { SessionId } from './session-id.js';
import type { ShownState } from './session-states.js';

/** What is shown of a session. Times are milliseconds since 1970; the gateway writes them as it likes. */
export interface SessionView {
  id: SessionId;
  state: ShownState;
  generation: number;
  restarts: number;
  template: string;
  owner: string;
  pod?: { name: string; address?: string; node?: string };
  createdAtMs: number;
  lastActivityAtMs: number;
  dueAtMs?: number;
  expiresAtMs?: number;
  requests: number;
  inFlight: number;
  lastFailure?: Failure;
  endedBy?: EndedBy;
}

export interface AdmissionRequest {
  id: SessionId;
  caller: Caller;
  /** If-Session-Generation: refuse (GENERATION_MISMATCH) rather than serve from, or open, any other generation. */
  generation?: number;
  /** Prefer: respond-async / wait=N. When the session is not ready after this long the answer is `pending`. */
  patienceMs?: number;
  /** An earlier admission of this request, which proved wrong (421, a dial that failed): ask the store. */
  after?: Pick<Admission, 'entered'>;
  /** The client has gone: stop holding. */
  signal: AbortSignal;
}

/**
 * The right to send one request to one pod. From admission to `release` the session counts as in use, so every
 * admission is released exactly once, whatever happens.
 */
export interface Admission {
  id: SessionId;
  /** The opening that this request was let into by the store, or waited for; undefined: it was admitted from memory alone. */
  entered?: number;
  generation: number;
  /** As of now: the process may have been started again since the admission. */
  readonly restarts: number;
  address: string;
  /** How the pod came about that this request had to wait for; `none`: it stood ready. */
  start: 'none' | 'warm' | 'cold';
  heldMs: number;
  /** False once the touch behind this admission is older than its window: admit again before the first byte. */
  isFresh(): boolean;
  release(): void;
}

export interface Pending {
  pending: SessionView;
}

export interface Asked extends Timeouts {
  template?: string;
  env?: Env;
}

export interface SessionPage {
  sessions: readonly SessionView[];
  next?: string;
}

export interface SessionQuery {
  state?: ShownState;
  owner?: string;
  template?: string;
  limit: number;
  cursor?: string;
}

export interface SessionEvent {
  /** The state entered, or `restarted`. */
  event: ShownState | 'restarted';
  session: SessionView;
}

/**
 * All that can be asked of sessions; the gateway knows nothing else of them. Refusals are thrown as LifecycleError.
 * An id that belongs to another owner is SESSION_NOT_FOUND on every call.
 */
export abstract class Sessions {
  /** Makes sure that the session has a pod and waits until it can be reached. */
  abstract admit(request: AdmissionRequest): Promise<Admission | Pending>;
  /** Opens ahead of use without waiting for the pod, or changes the time-outs of a live session. */
  abstract open(id: SessionId, caller: Caller, asked: Asked): Promise<{ session: SessionView; opened: boolean }>;
  abstract status(id: SessionId, caller: Caller): Promise<SessionView>;
  abstract list(caller: Caller, query: SessionQuery): Promise<SessionPage>;
  abstract keepalive(id: SessionId, caller: Caller): Promise<SessionView>;
  abstract end(id: SessionId, caller: Caller): Promise<void>;
  /** Resolves once it is known that the caller may read them. */
  abstract logs(
    id: SessionId,
    caller: Caller,
    options: { follow: boolean; tailLines?: number; signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>>;
  /** Begins with what is true now, then every transition, until the signal or until it has ended and is forgotten. */
  abstract events(id: SessionId, caller: Caller, signal: AbortSignal): Promise<AsyncIterable<SessionEvent>>;
  /** Calls back when a pod stops being one that requests may reach, so that connections to it are let go. */
  abstract onPodGone(gone: (address: string) => void): void;
}

export function shownState(session: Pick<Session, 'state' | 'heals'>): ShownState {
  return session.state === 'creating' && session.heals > 0 ? 'healing' : session.state;
}
