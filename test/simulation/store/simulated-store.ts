import { MemorySessionStore } from '../../../src/lifecycle/store/memory-session-store.js';
import type { StoreLimits } from '../../../src/lifecycle/store/session-store.js';
import type { Session } from '../../../src/lifecycle/session.js';
import type { SessionId } from '../../../src/lifecycle/session-id.js';
import type { Chance } from '../engine/chance.js';
import type { ServerClock } from '../engine/simulated-process.js';

/**
 * The one store that all replicas share: the product's own, which its contract holds equal to the one on Redis. Beside
 * what it is for replicas it shows its records to the checks, and loses its memory as a server does.
 */
export class SimulatedStore extends MemorySessionStore {
  private readonly written: { atMs: number; session: Session }[] = [];
  private readonly forgetful = new Set<() => void>();

  constructor(
    readonly serverClock: ServerClock,
    chance: Chance,
    limits: StoreLimits,
  ) {
    super(serverClock, chance, limits);
    const keep = this.records.keep.bind(this.records);
    this.records.keep = (session, nowMs) => {
      this.written.push({ atMs: this.serverClock.monotonicMs(), session });
      keep(session, nowMs);
    };
  }

  /** As it stands, without asking. */
  peek(id: SessionId): Session | undefined {
    const session = this.records.get(id);
    return session?.forgetAtMs !== undefined && session.forgetAtMs <= this.nowMs() ? undefined : session;
  }

  all(): readonly Session[] {
    return this.records.all();
  }

  countedNow(): number {
    return this.records.counts.tally().counted;
  }

  /** When its clock was last set. */
  clockSetAtMs = -Infinity;

  private readonly clockSets: { atMs: number; byMs: number }[] = [];

  setClock(byMs: number, atMs: number): void {
    this.serverClock.set(byMs);
    this.clockSetAtMs = atMs;
    this.clockSets.push({ atMs, byMs });
  }

  /** How much time its clock has left out since then. */
  setForwardSince(sinceMs: number): number {
    return this.clockSets.reduce((sum, { atMs, byMs }) => sum + (atMs >= sinceMs ? Math.max(0, byMs) : 0), 0);
  }

  get remembers(): boolean {
    return this.import.hasMarker;
  }

  onMemoryLost(lost: () => void): void {
    this.forgetful.add(lost);
  }

  /** FLUSHALL, or a restart without a file. */
  flush(): void {
    this.loseMemory();
    for (const lost of this.forgetful) lost();
  }

  /** A restart from a file, or a promoted replica, that lacks what was written last. */
  rollBack(byMs: number): void {
    const untilMs = this.serverClock.monotonicMs() - byMs;
    const remembered = new Map<SessionId, Session>();
    for (const { atMs, session } of this.written) if (atMs <= untilMs) remembered.set(session.id, session);
    this.written.length = 0;
    this.loseMemory([...remembered.values()]);
    for (const lost of this.forgetful) lost();
  }
}
