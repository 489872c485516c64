import { dueAtMs } from '../deadlines.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { AddressBook } from './address-book.js';
import { DueQueue } from './due-queue.js';
import type { Draft } from './record-rules.js';
import { SessionCounts } from './session-counts.js';
import type { StoreLimits } from './session-store.js';
import { Watchers } from './watchers.js';

/** The records and all that follows from them: counts, held addresses, the queue of deadlines, who is told. */
export class MemoryRecords {
  readonly watchers = new Watchers();
  private readonly records = new Map<SessionId, Session>();
  private readonly queue = new DueQueue((id) => this.records.get(id as SessionId)?.dueAtMs);
  private tombstones: Session[] = [];
  private ordered?: readonly SessionId[];
  /** Rises with time, so that a record is newer than any before it, even than one that was lost or forgotten. */
  private lastVersion = 0;
  addresses = new AddressBook();
  counts: SessionCounts;

  constructor(private readonly limits: StoreLimits) {
    this.counts = new SessionCounts(limits);
  }

  clear(): void {
    this.records.clear();
    this.ordered = undefined;
    this.queue.clear();
    this.tombstones = [];
    this.addresses = new AddressBook();
    this.counts = new SessionCounts(this.limits);
  }

  get(id: SessionId): Session | undefined {
    return this.records.get(id);
  }

  /** Ascending; put in order again only after an id came or went. */
  ids(): readonly SessionId[] {
    return (this.ordered ??= [...this.records.keys()].sort());
  }

  all(): readonly Session[] {
    return [...this.records.values()];
  }

  due(nowMs: number, limit: number): { sessions: readonly Session[]; nextAtMs?: number } {
    const { ids, nextAtMs } = this.queue.due(nowMs, limit);
    return { sessions: ids.flatMap((id) => this.records.get(id as SessionId) ?? []), nextAtMs };
  }

  /** Where a record changes, but for its mere use. */
  write(draft: Draft, nowMs: number, postponedUntilMs?: number): Session {
    const session = this.replace(draft, nowMs, postponedUntilMs);
    this.watchers.changed(session);
    return session;
  }

  /** Nobody is told of use alone, unless it is due sooner than was thought, as one that was put off. */
  writeUse(draft: Draft, nowMs: number): Session {
    const dueBeforeMs = this.records.get(draft.id)?.dueAtMs ?? Infinity;
    const session = this.replace(draft, nowMs);
    if (session.dueAtMs !== undefined && session.dueAtMs < dueBeforeMs) this.watchers.changed(session);
    return session;
  }

  private replace(draft: Draft, nowMs: number, postponedUntilMs?: number): Session {
    this.lastVersion = Math.max(this.lastVersion + 1, nowMs);
    const session: Session = { ...draft, version: this.lastVersion, dueAtMs: undefined };
    session.dueAtMs = postponedUntilMs ?? dueAtMs(session);
    this.keep(Object.freeze(session), nowMs);
    return session;
  }

  /** As it is; nobody is told. */
  keep(session: Session, nowMs: number): void {
    const before = this.records.get(session.id);
    this.records.set(session.id, session);
    if (!before) this.ordered = undefined;
    this.counts.moved(before, session);
    this.addresses.moved(before, session, nowMs);
    if (session.dueAtMs !== undefined) this.queue.set(session.id, session.dueAtMs);
    if (session.forgetAtMs !== undefined) this.tombstones.push(session);
  }

  /** All tombstones live equally long, so the oldest is always in front. */
  forgetTombstones(nowMs: number): void {
    while (this.tombstones[0] && this.tombstones[0].forgetAtMs! <= nowMs) {
      const tombstone = this.tombstones.shift()!;
      if (this.records.get(tombstone.id) !== tombstone) continue;
      this.records.delete(tombstone.id);
      this.ordered = undefined;
      this.counts.moved(tombstone, undefined);
    }
  }
}
