import { BoundedMap } from '../../platform/bounded-map.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { SessionStore } from '../store/session-store.js';

type Listener = (session: Session, before: Session | undefined) => void;
type Forgotten = (id: SessionId) => void;

/** Far more than end while an answer is on its way. */
const MOST_ENDED = 10_000;

/** All that is kept of a session that has ended. */
export type End = Pick<Session, 'version' | 'opening' | 'endedBy' | 'endedOpening'>;

/**
 * This replica's view of the sessions, fed by the store's notifications and by every answer of the store. It may be
 * behind by as long as a notification takes; what must not be wrong is compared in the store. It holds what is live; of
 * what has ended lately only how it did, since what the store said of it before may come in after its end: answers and
 * notifications travel on connections of their own.
 */
export class SessionDirectory {
  private readonly sessions = new Map<SessionId, Session>();
  private readonly ends = new BoundedMap<SessionId, End>(MOST_ENDED);
  private readonly listeners = new Set<Listener>();
  private readonly forgotten = new Set<Forgotten>();
  private unsubscribe: () => void = () => {};

  constructor(private readonly store: SessionStore) {}

  /** `missedSome`: what is known here may be out of date. */
  start(missedSome: () => void): void {
    this.unsubscribe = this.store.watch((session) => this.note(session), missedSome);
  }

  stop(): void {
    this.unsubscribe();
  }

  find(id: SessionId): Session | undefined {
    return this.sessions.get(id);
  }

  /** How it ended, if that was lately and nothing newer is known. */
  findEnd(id: SessionId): End | undefined {
    return this.ends.get(id);
  }

  /** Of how many that have ended something is kept. */
  remembered(): number {
    return this.ends.size;
  }

  all(): readonly Session[] {
    return [...this.sessions.values()];
  }

  /** Takes in what was seen, unless something newer is known already. */
  note(session: Session): void {
    const before = this.sessions.get(session.id);
    const knownVersion = before?.version ?? this.ends.get(session.id)?.version ?? -Infinity;
    if (knownVersion >= session.version) return;
    this.ends.delete(session.id);
    if (session.state === 'ended') this.ended(session);
    else this.sessions.set(session.id, session);
    for (const listener of this.listeners) listener(session, before);
  }

  private ended({ id, version, opening, endedBy, endedOpening }: Session): void {
    this.sessions.delete(id);
    this.ends.set(id, { version, opening, endedBy, endedOpening });
  }

  /** The store knows nothing of it: what is seen here is not true any more. */
  forget(id: SessionId): void {
    if (!this.sessions.delete(id)) return;
    for (const forgotten of this.forgotten) forgotten(id);
  }

  onForget(forgotten: Forgotten): void {
    this.forgotten.add(forgotten);
  }

  /** Told of every change, and of what was known before. Returns how to stop. */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
