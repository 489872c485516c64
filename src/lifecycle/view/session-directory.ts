import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { SessionStore } from '../store/session-store.js';

type Listener = (session: Session, before: Session | undefined) => void;
type Forgotten = (id: SessionId) => void;

/**
 * This replica's view of the sessions, fed by the store's notifications and by every answer of the store. It may be
 * behind by as long as a notification takes; what must not be wrong is compared in the store.
 */
export class SessionDirectory {
  private readonly sessions = new Map<SessionId, Session>();
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

  all(): readonly Session[] {
    return [...this.sessions.values()];
  }

  /** Takes in what was seen, unless something newer is known already. */
  note(session: Session): void {
    const before = this.sessions.get(session.id);
    if (before && before.version >= session.version) return;
    if (session.state === 'ended') this.sessions.delete(session.id);
    else this.sessions.set(session.id, session);
    for (const listener of this.listeners) listener(session, before);
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
