import type { SessionId } from './session-id.js';
import type { SessionState } from './session-states.js';

/** Environment that a client asked for at opening; names are checked against the template. */
export type Env = Readonly<Record<string, string>>;

/** Why a pod or a start failed, in words a person can act on. */
export interface Failure {
  reason: string;
  message: string;
  atMs: number;
}

export interface Timeouts {
  idleTimeoutMs?: number;
  /** 0: none. */
  maxLifetimeMs?: number;
}

/** The pod that a record names. Named before it can be reached, so the address may come later. */
export interface NamedPod {
  name: string;
  uid: string;
  address?: string;
  node?: string;
}

/** What the store says of one session. All times are the store's clock, in milliseconds since 1970. */
export interface Session {
  id: SessionId;
  /** `<iss>|<sub>`, or the subject where tokens carry no issuer. */
  owner: string;
  state: SessionState;
  /** 1, 2, 3… each new pod of this session. */
  generation: number;
  /** 1, 2, 3… each time it was opened anew; a heal or a retry of a failed start keeps it. */
  opening: number;
  /** Grows with every change of the record; the higher one is the newer. */
  version: number;
  template: string;
  env: Env;
  idleTimeoutMs: number;
  /** 0: none. Counts from `openedAtMs`. */
  maxLifetimeMs: number;
  pod?: NamedPod;
  openedAtMs: number;
  lastUsedAtMs: number;
  /** When somebody has to look at it again: idle, expired, start deadline. Absent once it has ended and no pod is left. */
  dueAtMs?: number;
  requests: number;
  /** Since when the present pod is ready. */
  readyAtMs?: number;
  /** creating: when the start is given up. */
  startDeadlineAtMs?: number;
  /** creating: not to be started before (back-off of heals). */
  startNotBeforeMs?: number;
  /** creating: when somebody last set out to make the pod. */
  triedAtMs?: number;
  /** Pods replaced in a row without 60 s of Ready between. */
  heals: number;
  /** Of those, the ones that crashed by themselves. */
  crashes: number;
  /** Times in a row it came to `failed`. */
  failures: number;
  lastFailure?: Failure;
  /** failed: from when on the owner's next request tries again. */
  retryAtMs?: number;
  /** terminating, ended: by whom. */
  endedBy?: EndedBy;
  /** The latest opening before this one that was ended by request: who was held for that is not carried into this one. */
  endedOpening?: number;
  /** ended: when the tombstone goes; absent while a pod of it is left. */
  forgetAtMs?: number;
}

export type EndedBy = 'request' | 'idle' | 'lifetime';

/** Who asks. */
export interface Caller {
  owner: string;
  /** Holds the scope `berth:admin`. */
  isAdmin: boolean;
  scopes: readonly string[];
}

/** The owner and admins; for everybody else a session does not exist. */
export function mayReach(session: Pick<Session, 'owner'>, caller: Caller): boolean {
  return caller.isAdmin || session.owner === caller.owner;
}

/** The latest opening that was ended by request, this one or one before it. */
export function latestEnded(session: Pick<Session, 'opening' | 'endedBy' | 'endedOpening'>): number | undefined {
  return session.endedBy === 'request' ? session.opening : session.endedOpening;
}

/** Was this opening, or a later one, ended by request? */
export function wasEnded(session: Parameters<typeof latestEnded>[0], opening: number): boolean {
  return (latestEnded(session) ?? 0) >= opening;
}

/**
 * What a session is opened with. `asked` is what the caller named (a PUT may name all, a plain request names
 * nothing); `otherwise` fills the rest. A session that was reaped and is opened again without being asked
 * otherwise keeps what it had; one that was ended by request does not.
 */
export interface Opening {
  asked: { template?: string; env?: Env } & Timeouts;
  otherwise: { template: string; env: Env; idleTimeoutMs: number; maxLifetimeMs: number };
  /** Templates that this caller may not use. */
  denied?: readonly string[];
  /** Templates that there are; a session that came back with another gets what `otherwise` says. Absent: all. */
  offered?: readonly string[];
  /** If-Session-Generation: enter this generation or none, and open nothing. */
  onlyGeneration?: number;
  /** The opening that this request was let into before: was that ended by request, no other is meant. */
  heldFor?: number;
}
