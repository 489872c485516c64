import { Clock } from '../../platform/clock.js';
import { Randomness } from '../../platform/randomness.js';
import { reapReason } from '../deadlines.js';
import { MemoryLost } from '../lifecycle.errors.js';
import type { Pod } from '../runtime/pod.js';
import type { SessionId } from '../session-id.js';
import { isCounted, isLive } from '../session-states.js';
import { type Caller, type Failure, mayReach, type Opening, type Session, type Timeouts } from '../session.js';
import { entryOf } from './entry-rules.js';
import { MemoryImport } from './memory-import.js';
import { MemoryRecords } from './memory-records.js';
import * as rules from './record-rules.js';
import { sessionPage } from './session-list.js';
import {
  type Entered,
  type ImportToken,
  type Moved,
  type PodDeath,
  type Ref,
  type Refused,
  RETRY_START_AFTER_MS,
  type SessionFilter,
  SessionStore,
  type StoreLimits,
  type StoreTally,
  type Touch,
} from './session-store.js';

/**
 * The embedded store: a map in this process, for one replica. Every method runs from compare to write without a
 * pause, which is what makes it atomic. It starts without a marker, as a server that just lost its memory would.
 */
export class MemorySessionStore extends SessionStore {
  protected readonly records: MemoryRecords;
  protected readonly import: MemoryImport;
  private readonly startedAtMs: number;

  constructor(
    private readonly clock: Clock,
    randomness: Randomness,
    private readonly limits: StoreLimits,
  ) {
    super();
    this.records = new MemoryRecords(limits);
    this.import = new MemoryImport(randomness);
    this.startedAtMs = clock.nowMs() - clock.monotonicMs();
  }

  /**
   * Forgets everything, as the restart of a server without persistence does; or all but what is `remembered`, as that of
   * one whose file lacks the last seconds.
   */
  loseMemory(remembered: readonly Session[] = []): void {
    this.records.clear();
    for (const session of remembered) this.records.keep(session, this.nowMs());
    this.import.loseMarker();
  }

  /** The wall clock of the start, and elapsed time since: a machine that sleeps or sets its clock reaps nobody for it. */
  nowMs(): number {
    return this.startedAtMs + this.clock.monotonicMs();
  }

  isAnswering(): boolean {
    return true;
  }

  enter(id: SessionId, caller: Caller, opening: Opening): Promise<Entered | Refused> {
    return this.step((nowMs): Entered | Refused => {
      const record = this.records.get(id);
      const entry = entryOf(record, caller, opening, nowMs);
      if (entry === 'open') return this.open(record, { id, caller, opening, nowMs });
      if (entry === 'touch') return { outcome: 'found', session: this.writeUse(rules.touched(record!, 0, nowMs)) };
      return entry === 'show' ? { outcome: 'found', session: record! } : entry;
    });
  }

  /** A ready session past its lifetime takes its own place. */
  private open(record: Session | undefined, begin: Omit<rules.Begin, 'startTimeoutMs'>): Entered | Refused {
    const owner = record?.owner ?? begin.caller.owner;
    const refusal = record && isCounted(record.state) ? undefined : this.records.counts.refusal(owner);
    if (refusal) return refusal;
    const { startTimeoutMs } = this.limits;
    return { outcome: 'opened', session: this.write(rules.begun(record, { ...begin, startTimeoutMs })) };
  }

  touch(touches: readonly Touch[]): Promise<readonly ('touched' | Moved)[]> {
    return this.step((nowMs) =>
      touches.map((touch) => {
        const record = this.standing(touch);
        if (record?.state !== 'ready') return this.moved(touch);
        this.writeUse(rules.touched(record, touch.requests, nowMs - (touch.idleForMs ?? 0)));
        return 'touched' as const;
      }),
    );
  }

  tryStart(ref: Ref): Promise<'start' | { waitMs: number } | Moved> {
    return this.step((nowMs) => {
      const record = this.standing(ref);
      if (record?.state !== 'creating' || record.pod) return this.moved(ref);
      const earliestMs = Math.max(record.startNotBeforeMs ?? 0, (record.triedAtMs ?? -Infinity) + RETRY_START_AFTER_MS);
      if (earliestMs > nowMs) return { waitMs: earliestMs - nowMs };
      this.write({ ...record, triedAtMs: nowMs });
      return 'start' as const;
    });
  }

  namePod(ref: Ref, pod: Pod): Promise<'named' | Moved> {
    return this.step(() => {
      const record = this.standing(ref);
      if (record?.state !== 'creating') return this.moved(ref);
      if (record.pod) return record.pod.uid === pod.uid ? 'named' : this.moved(ref);
      this.write(rules.podNamed(record, pod));
      return 'named' as const;
    });
  }

  markReady(ref: Ref, address: string): Promise<'ready' | { addressHeldMs: number } | Moved> {
    return this.step((nowMs) => {
      const record = this.standing(ref);
      if (record?.state !== 'creating' || !record.pod) return this.moved(ref);
      const addressHeldMs = this.records.addresses.heldMs(address, record.id, nowMs);
      if (addressHeldMs > 0) return { addressHeldMs };
      this.write(rules.madeReady(record, address, nowMs));
      return 'ready' as const;
    });
  }

  replace(ref: Ref, death: PodDeath, startAfterMs: number): Promise<Session | Moved> {
    return this.step((nowMs) => {
      const record = this.standing(ref);
      if (record?.state !== 'creating' && record?.state !== 'ready') return this.moved(ref);
      const { startTimeoutMs } = this.limits;
      return this.write(rules.replaced(record, { death, startAfterMs, startTimeoutMs, nowMs }));
    });
  }

  fail(ref: Ref, failure: Failure, backOffMs: number): Promise<'failed' | Moved> {
    return this.step((nowMs) => {
      const record = this.standing(ref);
      if (record?.state !== 'creating') return this.moved(ref);
      this.write(rules.failed(record, failure, backOffMs, nowMs));
      return 'failed' as const;
    });
  }

  reap(ref: Ref): Promise<'terminating' | 'not-due' | Moved> {
    return this.step((nowMs) => {
      const record = this.standing(ref);
      if (record?.state !== 'ready' && record?.state !== 'failed') return this.moved(ref);
      const reason = reapReason(record, nowMs);
      if (!reason) return 'not-due' as const;
      this.write(rules.terminating(record, reason));
      return 'terminating' as const;
    });
  }

  end(id: SessionId, caller: Caller): Promise<Session | 'absent' | Refused> {
    return this.step(() => {
      const record = this.records.get(id);
      if (!record) return 'absent';
      if (!mayReach(record, caller)) return 'not-yours';
      return isLive(record.state) ? this.write(rules.terminating(record, 'request')) : record;
    });
  }

  finish(ref: Ref, pods: 'left' | 'none'): Promise<'ended' | Moved> {
    return this.step((nowMs) => {
      const record = this.standing({ id: ref.id, generation: ref.generation });
      if (record?.state !== 'terminating' && record?.state !== 'ended') return this.moved(ref);
      const forgetAtMs = record.forgetAtMs ?? (pods === 'none' ? nowMs + this.limits.tombstoneMs : undefined);
      if (record.state === 'terminating' || forgetAtMs !== record.forgetAtMs)
        this.write(rules.ended(record, forgetAtMs));
      return 'ended' as const;
    });
  }

  change(id: SessionId, caller: Caller, timeouts: Timeouts): Promise<Session | 'absent' | Refused> {
    return this.step(() => {
      const record = this.records.get(id);
      if (!record) return 'absent';
      if (!mayReach(record, caller)) return 'not-yours';
      return isLive(record.state) ? this.write(rules.changed(record, timeouts)) : 'absent';
    });
  }

  isNamed(pod: Pod): Promise<boolean> {
    return this.step(() => {
      const record = pod.assignment && this.records.get(pod.assignment.id);
      if (!record || (record.state !== 'creating' && record.state !== 'ready')) return false;
      if (record.pod) return record.pod.uid === pod.uid;
      return record.generation === pod.assignment?.generation && record.owner === pod.assignment.owner;
    });
  }

  find(id: SessionId): Promise<Session | undefined> {
    return this.step(() => this.records.get(id));
  }

  list(filter: SessionFilter): Promise<{ sessions: readonly Session[]; next?: string }> {
    return this.step(() => sessionPage(this.records, filter));
  }

  due(limit: number): Promise<{ sessions: readonly Session[]; nextInMs?: number }> {
    return this.step((nowMs) => {
      const { sessions, nextAtMs } = this.records.due(nowMs, limit);
      return { sessions, nextInMs: nextAtMs === undefined ? undefined : Math.max(0, nextAtMs - nowMs) };
    });
  }

  postpone(ref: Ref, ms: number): Promise<void> {
    return this.step((nowMs) => {
      const record = this.standing(ref);
      if (!record || record.forgetAtMs !== undefined) return;
      if (record.state === 'creating') this.write(rules.prolonged(record, nowMs + ms));
      else this.write(record, nowMs + ms);
    });
  }

  tally(): Promise<StoreTally> {
    return this.step(() => this.records.counts.tally());
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a refusal is a rejection, as with a store that is far
  async beginImport(): Promise<ImportToken | 'not-needed'> {
    return this.import.begin();
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async importPod(token: ImportToken, pod: Pod): Promise<'imported' | 'outranked' | 'void'> {
    if (!this.import.isCurrent(token)) return 'void';
    const record = pod.assignment && this.records.get(pod.assignment.id);
    const now = { nowMs: this.nowMs(), startTimeoutMs: this.limits.startTimeoutMs };
    const draft = rules.imported(record?.state ?? 'absent', pod, now);
    if (!draft || pod.markedUntilMs !== undefined || pod.deleting) return 'outranked';
    if (record && rules.outranks(record, draft)) return 'outranked';
    this.write(draft);
    return 'imported';
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async finishImport(token: ImportToken, liveUids: ReadonlySet<string>): Promise<'usable' | 'void'> {
    if (!this.import.isCurrent(token)) return 'void';
    for (const record of this.records.all())
      if (record.state === 'ready' && !liveUids.has(record.pod?.uid ?? ''))
        this.write(rules.lost(record, this.nowMs() + this.limits.tombstoneMs));
    this.import.setMarker();
    return 'usable';
  }

  watch(changed: (session: Session) => void, missedSome: () => void): () => void {
    return this.records.watchers.add({ changed, missedSome });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Everything but the import passes here: no answer from a store that does not remember. */
  // eslint-disable-next-line @typescript-eslint/require-await
  private async step<T>(run: (nowMs: number) => T): Promise<T> {
    if (!this.import.hasMarker) throw new MemoryLost('the store has lost its memory and is not rebuilt yet');
    const nowMs = this.nowMs();
    this.records.forgetTombstones(nowMs);
    return run(nowMs);
  }

  private standing(ref: Ref): Session | undefined {
    const record = this.records.get(ref.id);
    if (record?.generation !== ref.generation) return undefined;
    return ref.uid === undefined || record.pod?.uid === ref.uid ? record : undefined;
  }

  private moved(ref: Ref): Moved {
    return { moved: this.records.get(ref.id) };
  }

  private writeUse(draft: rules.Draft): Session {
    return this.records.writeUse(draft, this.nowMs());
  }

  private write(draft: rules.Draft, postponedUntilMs?: number): Session {
    return this.records.write(draft, this.nowMs(), postponedUntilMs);
  }
}
