import { isDeepStrictEqual } from 'node:util';
import { dueAtMs } from '../../../src/lifecycle/deadlines.js';
import { latestEnded, type Session } from '../../../src/lifecycle/session.js';
import { MOVES, SESSION_STATES, isCounted, type SessionState } from '../../../src/lifecycle/session-states.js';
import type { SessionStore, StoreLimits } from '../../../src/lifecycle/store/session-store.js';
import type { Operation } from './operations.js';

/**
 * What is true of a store after every step, whatever the steps were. It remembers what it saw last and knows nothing
 * of how a store works: only what one record says of itself, what two looks at it may differ in, and what the records
 * are to each other. Every fault is a sentence; a correct store leaves none.
 */
export class Invariants {
  private before = new Map<string, Session>();
  private readonly uids = new Map<string, string>();
  /** Postponed sessions by the version since which their turn is another than they say. */
  private readonly postponed = new Map<string, number>();
  private faults: string[] = [];

  constructor(
    private readonly store: SessionStore,
    private readonly limits: StoreLimits,
  ) {}

  async faultsAfter(operation: Operation, records: readonly Session[]): Promise<string[]> {
    this.faults = [];
    if (operation.op === 'loseMemoryAndImport') this.forgetAll();
    this.notePostponed(operation, records);
    const now = new Map(records.map((session) => [session.id as string, structuredClone(session)]));
    for (const session of records) {
      this.saysWhatItsStateNeeds(session);
      this.isDueWhenItSays(session);
      this.must(same(await this.store.find(session.id), session), 'is found as it is listed', session);
    }
    for (const before of this.before.values()) this.mayFollow(before, now.get(before.id));
    this.generationsHaveOneUid(records);
    this.addressesAreNamedOnce(records);
    await this.countsAreExact(records);
    await this.queueIsRight(records);
    this.before = now;
    return this.faults;
  }

  private saysWhatItsStateNeeds(session: Session): void {
    const { state, pod, generation, opening, endedOpening = 0 } = session;
    const needs: Record<SessionState, unknown> = {
      creating: session.startDeadlineAtMs,
      ready: pod?.address && session.readyAtMs,
      failed: session.retryAtMs && session.lastFailure,
      terminating: session.endedBy,
      ended: true,
    };
    this.must(Boolean(needs[state]), `says what ${state} needs`, session);
    this.must(opening >= 1 && generation >= opening, 'has no more openings than generations', session);
    this.must(endedOpening < opening, 'names an opening before this one as ended', session);
  }

  private isDueWhenItSays(session: Session): void {
    if (this.postponed.has(session.id)) return;
    this.must(session.dueAtMs === dueAtMs(session), `is due at ${dueAtMs(session)}`, session);
  }

  /** From one step to the next a record makes at most one move, and only its tombstone's time takes it away. */
  private mayFollow(before: Session, now: Session | undefined): void {
    if (before.forgetAtMs !== undefined && before.forgetAtMs <= this.store.nowMs())
      return this.isForgotten(before, now);
    if (now === undefined) return this.must(false, 'is still there', before);
    this.must(now.owner === before.owner, 'keeps its owner', now);
    this.must(now.version >= before.version, 'has a version that never falls', now);
    if (now.version === before.version) {
      return this.must(same(now, before), `has not changed without a new version from ${show(before)}`, now);
    }
    const generations = now.generation - before.generation;
    const openings = now.opening - before.opening;
    this.must(generations === 0 || generations === 1, 'goes from one generation to the next', now);
    this.must(openings === 0 || (openings === 1 && generations === 1), 'is opened with a new generation only', now);
    this.must(generations === 0 || now.state === 'creating', 'begins a generation in creating', now);
    this.must((latestEnded(now) ?? 0) >= (latestEnded(before) ?? 0), 'forgets no opening that was ended', now);
    const stays = now.state === before.state && generations === 0;
    this.must(stays || isLegal(before.state, now.state), `may come from ${before.state}`, now);
  }

  private isForgotten(before: Session, now: Session | undefined): void {
    for (const key of this.uids.keys()) if (key.startsWith(`${before.id}#`)) this.uids.delete(key);
    if (now === undefined) return;
    this.must(now.state === 'creating' && now.generation === 1 && now.opening === 1, 'begins without a past', now);
  }

  private generationsHaveOneUid(records: readonly Session[]): void {
    for (const session of records) {
      const { id, generation, pod } = session;
      const known = this.uids.get(`${id}#${generation}`);
      this.must(known === undefined || pod === undefined || pod.uid === known, `has the one pod ${known}`, session);
      if (pod) this.uids.set(`${id}#${generation}`, pod.uid);
    }
  }

  private addressesAreNamedOnce(records: readonly Session[]): void {
    const named = records.filter(({ state }) => isCounted(state)).flatMap(({ pod }) => pod?.address ?? []);
    this.must(new Set(named).size === named.length, `no address is named twice: ${named.join()}`);
  }

  private async countsAreExact(records: readonly Session[]): Promise<void> {
    const byState = Object.fromEntries(
      SESSION_STATES.map((state) => [state, records.filter((session) => session.state === state).length]),
    );
    const counted = records.filter(({ state }) => isCounted(state));
    const tally = await this.store.tally();
    const isExact = tally.counted === counted.length && isDeepStrictEqual({ ...tally.byState }, byState);
    this.must(isExact, `the tally ${show(tally)} is ${show(byState)}`);
    this.must(counted.length <= this.limits.maxSessions, 'no more sessions than the limit');
    for (const session of counted) {
      const siblings = counted.filter(({ owner }) => owner === session.owner);
      this.must(siblings.length <= this.limits.maxSessionsPerOwner, 'has no more siblings than the limit', session);
    }
  }

  /** All that are due, none that is not, the most overdue first. */
  private async queueIsRight(records: readonly Session[]): Promise<void> {
    const nowMs = this.store.nowMs();
    const { sessions, nextInMs } = await this.store.due(1_000);
    const queued = sessions.filter(({ id }) => !this.postponed.has(id));
    const due = records.filter(({ id, dueAtMs = Infinity }) => dueAtMs <= nowMs && !this.postponed.has(id));
    const idsOf = (some: readonly Session[]): string =>
      some
        .map(({ id }) => id as string)
        .sort()
        .join();
    this.must(idsOf(queued) === idsOf(due), `the queue ${idsOf(queued)} is what is due: ${idsOf(due)}`);
    const order = queued.map((session) => session.dueAtMs ?? NaN);
    this.must(
      isDeepStrictEqual(
        order,
        [...order].sort((a, b) => a - b),
      ),
      `the most overdue first: ${order.join()}`,
    );
    this.must(nextInMs === undefined || nextInMs >= 0, `beyond a page that has all, nothing is due: ${nextInMs}`);
  }

  private notePostponed(operation: Operation, records: readonly Session[]): void {
    const versions = new Map(records.map(({ id, version }) => [id as string, version]));
    for (const [id, version] of this.postponed) if (versions.get(id) !== version) this.postponed.delete(id);
    if (operation.op === 'postpone') this.postponed.set(operation.id, versions.get(operation.id) ?? 0);
  }

  private forgetAll(): void {
    this.before.clear();
    this.uids.clear();
    this.postponed.clear();
  }

  private must(holds: boolean, sentence: string, session?: Session): void {
    if (!holds) this.faults.push(session === undefined ? sentence : `${session.id} ${sentence}: ${show(session)}`);
  }
}

/** One move of the table, or a touch, a name, a change, which leave the state as it is. */
function isLegal(from: SessionState, to: SessionState): boolean {
  return Object.entries(MOVES).some(
    ([name, move]) => !name.startsWith('import') && move.to === to && (move.from as readonly string[]).includes(from),
  );
}

/** A field that is undefined is one that is not there. */
function same(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(one ?? null)), JSON.parse(JSON.stringify(other)));
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
