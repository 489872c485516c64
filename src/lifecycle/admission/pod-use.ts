import type { Clock } from '../../platform/clock.js';
import { touchWindowMs } from '../deadlines.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import type { Touch } from '../store/session-store.js';

export interface Use {
  isFresh: () => boolean;
  end: () => void;
}

/** What this replica has open to one pod of a session, and what of it the store has not heard yet. */
export class PodUse {
  windowMs: number;
  /** Requests since the last touch, for the store to count. */
  unrecorded = 0;
  open = 0;
  private readonly generation: number;
  private readonly uid: string;
  /** Of what is open, that which waits while the pod restarts in place. */
  private held = 0;
  /** Something happened since the last touch. */
  private isUsed = false;
  /** When the last use ended, by the monotonic clock. */
  private endedAtMs: number;

  /** `touchedAtMs`: by the monotonic clock, from before the store was asked. */
  constructor(
    session: Session,
    public touchedAtMs: number,
    private readonly clock: Clock,
  ) {
    this.generation = session.generation;
    this.uid = session.pod?.uid ?? '';
    this.windowMs = touchWindowMs(session);
    this.endedAtMs = touchedAtMs;
  }

  isOf(session: Session): boolean {
    return this.uid === session.pod?.uid && this.generation === session.generation;
  }

  isInUse(): boolean {
    return this.open > 0 || this.isUsed;
  }

  isFresh(): boolean {
    return this.clock.monotonicMs() - this.touchedAtMs < this.windowMs;
  }

  inFlight(): number {
    return this.open - this.held;
  }

  /** Only what reaches the pod is a request to be counted. */
  begin(kind: 'request' | 'held'): Use {
    this.open += 1;
    this.isUsed = true;
    if (kind === 'request') this.unrecorded += 1;
    else this.held += 1;
    let isOpen = true;
    const end = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.end(kind);
    };
    return { isFresh: () => this.isFresh(), end };
  }

  private end(kind: 'request' | 'held'): void {
    this.open -= 1;
    if (kind === 'held') this.held -= 1;
    this.isUsed = true;
    this.endedAtMs = this.clock.monotonicMs();
  }

  /** What ended a while ago counts from when it ended: a heartbeat makes nothing last longer. */
  touch(id: SessionId, nowMs: number): Touch {
    const { generation, uid, unrecorded, open, endedAtMs } = this;
    this.isUsed = false;
    return { id, generation, uid, requests: unrecorded, idleForMs: open > 0 ? undefined : nowMs - endedAtMs };
  }

  /** What was told late, after an outage, does not make the session one that was used just now: it may be due. */
  recorded(askedAtMs: number, { requests, idleForMs = 0 }: Touch): void {
    const touchedAtMs = idleForMs > this.windowMs ? askedAtMs - idleForMs : askedAtMs;
    this.touchedAtMs = Math.max(this.touchedAtMs, touchedAtMs);
    this.unrecorded -= requests;
  }

  /** Whether it was recorded nobody knows: it is told again. */
  unanswered(): void {
    this.isUsed = true;
  }
}
