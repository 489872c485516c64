import { Clock, type Timer } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { touchWindowMs } from '../deadlines.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { SessionStore, type Touch } from '../store/session-store.js';
import { SessionDirectory } from '../view/session-directory.js';

/** What happens to a heartbeat: the store took it, or it has to be written elsewhere for these sessions. */
export interface BeatListener {
  heard(): void;
  unheard(open: readonly SessionId[]): void;
}

interface Entry {
  generation: number;
  uid: string;
  windowMs: number;
  /** By the monotonic clock, from before the store was asked. */
  touchedAtMs: number;
  open: number;
  /** Of those, the ones that wait while the pod restarts in place. */
  held: number;
  /** Something happened since the last touch. */
  isUsed: boolean;
  /** When the last use ended, by the monotonic clock. */
  endedAtMs: number;
  /** Requests since the last touch, for the store to count. */
  unrecorded: number;
}

export interface Use {
  isFresh: () => boolean;
  end: () => void;
}

const SHORTEST_PERIOD_MS = 50;
const TRY_AGAIN_MS = 1_000;

/**
 * Which sessions this replica has in use. While something is open to a session, or was since the last touch, it is
 * touched again once per window: a heartbeat, not a counter, so that it stops by itself when the replica dies.
 */
export class InUse {
  private readonly entries = new Map<SessionId, Entry>();
  private timer?: Timer;
  private beatAtMs = Infinity;
  private isStopped = false;

  constructor(
    private readonly store: SessionStore,
    private readonly directory: SessionDirectory,
    private readonly clock: Clock,
    private readonly listener: BeatListener,
    private readonly logger: Logger,
  ) {
    directory.onChange((session) => this.adjust(session));
  }

  /** The store was asked at `askedAtMs` (monotonic) and answered that this ready session is touched. */
  touched(session: Session, askedAtMs: number): void {
    const standing = this.standing(session);
    if (standing) standing.touchedAtMs = Math.max(standing.touchedAtMs, askedAtMs);
    else this.entries.set(session.id, newEntry(session, askedAtMs));
    this.beatBy(askedAtMs + touchWindowMs(session));
  }

  /** May a request go to this pod without asking the store first? */
  isFresh(session: Session): boolean {
    const entry = this.standing(session);
    return entry !== undefined && this.clock.monotonicMs() - entry.touchedAtMs < entry.windowMs;
  }

  /** Something is open to a session, or is held for its pod; only what reaches the pod is a request to be counted. */
  begin(session: Session, kind: 'request' | 'held'): Use {
    const entry = this.standing(session) ?? newEntry(session, -Infinity);
    this.entries.set(session.id, entry);
    entry.open += 1;
    entry.isUsed = true;
    if (kind === 'request') entry.unrecorded += 1;
    else entry.held += 1;
    let isOpen = true;
    const end = (): void => {
      if (!isOpen) return;
      isOpen = false;
      entry.open -= 1;
      if (kind === 'held') entry.held -= 1;
      entry.isUsed = true;
      entry.endedAtMs = this.clock.monotonicMs();
    };
    return { isFresh: () => this.clock.monotonicMs() - entry.touchedAtMs < entry.windowMs, end };
  }

  /** What is open to the pod; who is held for it is the waiting room's to count. */
  inFlight(id: SessionId): number {
    const entry = this.entries.get(id);
    return entry ? entry.open - entry.held : 0;
  }

  unrecorded(id: SessionId): number {
    return this.entries.get(id)?.unrecorded ?? 0;
  }

  total(): number {
    return this.entries.size;
  }

  /** One beat: touches what is due for it, lets go of what nobody uses. */
  async beat(): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    const due = [...this.entries].filter(([, entry]) => nowMs - entry.touchedAtMs >= entry.windowMs);
    for (const [id, entry] of due) if (!isInUse(entry)) this.drop(id, entry);
    await this.touch(due.filter(([, entry]) => isInUse(entry)));
  }

  private async touch(used: readonly [SessionId, Entry][]): Promise<void> {
    const askedAtMs = this.clock.monotonicMs();
    if (used.length === 0) return;
    const touches = used.map(([id, entry]) => touchOf(id, entry, askedAtMs));
    for (const [, entry] of used) entry.isUsed = false;
    const answers = await this.touchOrRestore(touches, used);
    answers.forEach((answer, at) => {
      const [id, entry] = used[at]!;
      if (answer === 'touched') this.record(entry, askedAtMs, touches[at]!.requests);
      else this.moved(id, entry, answer.moved);
    });
  }

  private async touchOrRestore(
    touches: readonly Touch[],
    used: readonly [SessionId, Entry][],
  ): ReturnType<SessionStore['touch']> {
    try {
      const answers = await this.store.touch(touches);
      this.listener.heard();
      return answers;
    } catch (error) {
      for (const [, entry] of used) entry.isUsed = true;
      this.listener.unheard(used.flatMap(([id, { open }]) => (open > 0 ? [id] : [])));
      throw error;
    }
  }

  /** Nothing is touched any more; the last uses are written if the store is there. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.timer?.cancel();
    await this.touch([...this.entries].filter(([, entry]) => isInUse(entry))).catch(() => undefined);
  }

  private record(entry: Entry, askedAtMs: number, requests: number): void {
    entry.touchedAtMs = askedAtMs;
    entry.unrecorded -= requests;
  }

  /** What is open to a pod that the record no longer names is left alone until its pod goes. */
  private moved(id: SessionId, entry: Entry, truth: Session | undefined): void {
    if (truth) this.directory.note(truth);
    this.drop(id, entry);
  }

  private drop(id: SessionId, entry: Entry): void {
    if (this.entries.get(id) === entry) this.entries.delete(id);
  }

  private standing(session: Session): Entry | undefined {
    const entry = this.entries.get(session.id);
    return entry?.uid === session.pod?.uid && entry?.generation === session.generation ? entry : undefined;
  }

  /** A time-out that was changed changes the period of the heartbeat with it. */
  private adjust(session: Session): void {
    const entry = this.standing(session);
    const windowMs = touchWindowMs(session);
    if (!entry || entry.windowMs === windowMs) return;
    entry.windowMs = windowMs;
    this.beatBy(entry.touchedAtMs + windowMs);
  }

  private beatBy(atMs: number): void {
    if (this.isStopped || atMs >= this.beatAtMs) return;
    this.timer?.cancel();
    this.beatAtMs = atMs;
    this.timer = this.clock.after(
      Math.max(SHORTEST_PERIOD_MS, atMs - this.clock.monotonicMs()),
      () => void this.beatOnTime(),
    );
  }

  private async beatOnTime(): Promise<void> {
    let isAnswered = true;
    await this.beat().catch((error: unknown) => {
      isAnswered = false;
      this.logger.debug({ event: 'heartbeat.failed', error }, 'The store does not take the heartbeat.');
    });
    this.beatAtMs = Infinity;
    if (this.entries.size > 0) this.beatBy(isAnswered ? this.earliestMs() : this.clock.monotonicMs() + TRY_AGAIN_MS);
  }

  private earliestMs(): number {
    let earliestMs = Infinity;
    for (const { touchedAtMs, windowMs } of this.entries.values())
      earliestMs = Math.min(earliestMs, touchedAtMs + windowMs);
    return earliestMs;
  }
}

function isInUse({ open, isUsed }: Entry): boolean {
  return open > 0 || isUsed;
}

function newEntry(session: Session, touchedAtMs: number): Entry {
  const uid = session.pod?.uid ?? '';
  return {
    generation: session.generation,
    uid,
    windowMs: touchWindowMs(session),
    touchedAtMs,
    open: 0,
    held: 0,
    isUsed: false,
    endedAtMs: touchedAtMs,
    unrecorded: 0,
  };
}

/** What ended a while ago counts from when it ended: a heartbeat makes nothing last longer. */
function touchOf(id: SessionId, entry: Entry, nowMs: number): Touch {
  const { generation, uid, unrecorded, open, endedAtMs } = entry;
  return { id, generation, uid, requests: unrecorded, idleForMs: open > 0 ? undefined : nowMs - endedAtMs };
}
