import type { Caller, Failure, Opening, Session, Timeouts } from '../session.js';
import type { SessionId } from '../session-id.js';
import type { SessionState } from '../session-states.js';
import type { Pod } from '../runtime/pod.js';

/** What a change compares before it writes; a `uid` is compared when it is given. */
export interface Ref {
  id: SessionId;
  generation: number;
  uid?: string;
}

/** What is compared when this record is the one that a decision rests on. */
export function refOf({ id, generation, pod }: Pick<Session, 'id' | 'generation' | 'pod'>): Ref {
  return { id, generation, uid: pod?.uid };
}

/** The compare failed; this is true instead (undefined: there is no such record). */
export interface Moved {
  moved: Session | undefined;
}

/**
 * In this order where several apply. `ended`: see `heldFor`. `forbidden`: the template is denied. `other-generation`: see
 * `onlyGeneration`.
 */
export type Refused =
  'not-yours' | 'ended' | 'forbidden' | 'other-generation' | 'conflict' | 'owner-limit' | 'session-limit';

/** `opened`: this call began an opening or a new try, its pod has still to be made. `found`: it stood there already. */
export interface Entered {
  outcome: 'opened' | 'found';
  session: Session;
}

/** A session in use, and how many requests it has had since its last touch. */
export interface Touch extends Ref {
  requests: number;
  /** How long ago its last use ended; absent: it is in use now. */
  idleForMs?: number;
}

/** `unanswered`: nobody knows whether it was recorded; what was touched with it is answered for by itself. */
export type Touched = 'touched' | 'unanswered' | Moved;

export interface SessionFilter {
  /** Only this owner's; undefined: everybody's. */
  owner?: string;
  state?: SessionState;
  template?: string;
  limit: number;
  cursor?: string;
}

export interface ImportToken {
  token: string;
}

/** What the store enforces or writes by itself; the same for every replica. */
export interface StoreLimits {
  maxSessions: number;
  /** 0: none. */
  maxSessionsPerOwner: number;
  startTimeoutMs: number;
  tombstoneMs: number;
}

export interface StoreTally {
  counted: number;
  byState: Readonly<Record<SessionState, number>>;
}

/** How long after one try to make a pod the next one waits. */
export const RETRY_START_AFTER_MS = 2_000;

/**
 * Who owns a session, its state, its generation and its pod. Every change is one atomic step that compares, then
 * writes, on the store's clock. Any call may throw StoreUnavailable; every call but the three of the import and
 * `watch` throws MemoryLost while the epoch marker is not the server's.
 */
export abstract class SessionStore {
  /** The store's time, as well as this replica knows it without asking. */
  abstract nowMs(): number;
  /** Whether it can be asked, as far as is known without asking. */
  abstract isAnswering(): boolean;

  /**
   * The one way in. absent, ended, terminating, failed past its back-off, and ready past its lifetime begin the next
   * generation; ready is touched; creating is shown as it is, but coming for it is use; failed within its back-off is shown as
   * it is.
   * Ended and terminating sessions are opened again by their owner alone. Asking a live session for another template or
   * environment is a `conflict`. A request that was held for an opening which a request ended is refused.
   */
  abstract enter(id: SessionId, caller: Caller, opening: Opening): Promise<Entered | Refused>;
  /** Records use of ready sessions; answers in the order given. Throws when none of them was answered. */
  abstract touch(touches: readonly Touch[]): Promise<readonly Touched[]>;
  /** creating without pod: asks for the right to make it; at most one replica has it every RETRY_START_AFTER_MS. */
  abstract tryStart(ref: Ref): Promise<'start' | { waitMs: number } | Moved>;
  /** creating, pod not named yet: names it. The same pod again is `named`. */
  abstract namePod(ref: Ref, pod: Pod): Promise<'named' | Moved>;
  /** creating with this pod -> ready, unless another record names the address or did within its touch window. */
  abstract markReady(ref: Ref, address: string): Promise<'ready' | { addressHeldMs: number } | Moved>;
  /** creating or ready, whose pod died -> creating, next generation, not to be started before `startAfterMs` have passed. */
  abstract replace(ref: Ref, failure: PodDeath, startAfterMs: number): Promise<Session | Moved>;
  /** creating -> failed. */
  abstract fail(ref: Ref, failure: Failure, backOffMs: number): Promise<'failed' | Moved>;
  /** ready or failed, and really due -> terminating. */
  abstract reap(ref: Ref): Promise<'terminating' | 'not-due' | Moved>;
  /** Any live state -> terminating, by request. A session that has ended already is returned as it is. */
  abstract end(id: SessionId, caller: Caller): Promise<Session | 'absent' | Refused>;
  /** terminating -> ended; with `none` left, the tombstone's time begins. */
  abstract finish(ref: Ref, pods: 'left' | 'none'): Promise<'ended' | Moved>;
  /** Other time-outs for a live session; `absent` once it is ended or terminating. */
  abstract change(id: SessionId, caller: Caller, timeouts: Timeouts): Promise<Session | 'absent' | Refused>;
  /**
   * Does a creating or ready record name this pod: by uid, while creating without a named pod also by name? In a state
   * of a later version a record may name any pod of its session.
   */
  abstract isNamed(pod: Pod): Promise<boolean>;
  abstract find(id: SessionId): Promise<Session | undefined>;
  /** By id, ascending; tombstones too when the filter asks for `ended`. */
  abstract list(filter: SessionFilter): Promise<{ sessions: readonly Session[]; next?: string }>;
  /** The most overdue first, and how long until the next one beyond these. */
  abstract due(limit: number): Promise<{ sessions: readonly Session[]; nextInMs?: number }>;
  /** Takes one that cannot be dealt with now from the head of the queue, for `ms`; a start gets as long to go on. */
  abstract postpone(ref: Ref, ms: number): Promise<void>;
  abstract tally(): Promise<StoreTally>;

  abstract beginImport(): Promise<ImportToken | 'not-needed'>;
  /** Makes the record what this pod shows; `outranked` by a higher generation that was imported already. */
  abstract importPod(token: ImportToken, pod: Pod): Promise<'imported' | 'outranked' | 'void'>;
  /** Ends ready records whose pod is not among the living, rebuilds the limits, sets the marker. */
  abstract finishImport(token: ImportToken, liveUids: ReadonlySet<string>): Promise<'usable' | 'void'>;

  /**
   * Every change of a record but mere use (when it was last used, how often, and a deadline that is further away for it),
   * in order per session; `missedSome` when that cannot be vouched for. Returns how to stop.
   */
  abstract watch(changed: (session: Session) => void, missedSome: () => void): () => void;

  /** Lets go of everything; the records stay where they are kept. */
  abstract close(): Promise<void>;
}

/** Why a pod is replaced; `crashed` counts towards giving up, an eviction or deletion does not. */
export interface PodDeath extends Failure {
  crashed: boolean;
}
