import { Clock } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { touchWindowMs } from '../deadlines.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { SessionStore, type Touch, type Touched } from '../store/session-store.js';
import { SessionDirectory } from '../view/session-directory.js';
import { Heartbeats } from './heartbeats.js';
import { PodUse, type Use } from './pod-use.js';

/** What happens to a heartbeat: the store took it, or it has to be written elsewhere for these sessions. */
export interface BeatListener {
  heard(): void;
  unheard(open: readonly SessionId[]): void;
}

type Used = readonly [SessionId, PodUse];

/**
 * Which sessions this replica has in use. While something is open to a session, or was since the last touch, it is
 * touched again before its window ends: a heartbeat, not a counter, so that it stops by itself when the replica dies.
 * What nobody used from one beat to the next is let go of, so that no more is kept than is in use.
 */
export class InUse {
  private readonly uses = new Map<SessionId, PodUse>();
  private readonly heartbeats: Heartbeats;

  constructor(
    private readonly store: SessionStore,
    private readonly directory: SessionDirectory,
    private readonly clock: Clock,
    private readonly listener: BeatListener,
    private readonly logger: Logger,
  ) {
    this.heartbeats = new Heartbeats(clock, (windows) => this.beat(windows), logger);
    directory.onChange((session) => this.adjust(session));
  }

  /** The store was asked at `askedAtMs` (monotonic) and answered that this ready session is touched. */
  touched(session: Session, askedAtMs: number): void {
    const use = this.kept(session, askedAtMs);
    use.touchedAtMs = Math.max(use.touchedAtMs, askedAtMs);
    this.heartbeats.touched(use.windowMs, askedAtMs);
  }

  /** May a request go to this pod without asking the store first? */
  isFresh(session: Session): boolean {
    return this.standing(session)?.isFresh() ?? false;
  }

  /** Something is open to a session, or is held for its pod. */
  begin(session: Session, kind: 'request' | 'held'): Use {
    return this.kept(session, -Infinity).begin(kind);
  }

  /** What is open to the pod; who is held for it is the waiting room's to count. */
  inFlight(id: SessionId): number {
    return this.uses.get(id)?.inFlight() ?? 0;
  }

  unrecorded(id: SessionId): number {
    return this.uses.get(id)?.unrecorded ?? 0;
  }

  total(): number {
    return this.uses.size;
  }

  /** Nothing is touched any more; the last uses are written if the store is there. */
  async stop(): Promise<void> {
    this.heartbeats.stop();
    await this.touch([...this.uses].filter(([, use]) => use.isInUse()));
  }

  /** Touches what is in use of the sessions with these windows, lets go of what nobody uses. */
  private async beat(windows: ReadonlySet<number>): Promise<void> {
    const due = [...this.uses].filter(([, { windowMs }]) => windows.has(windowMs));
    const used = due.filter(([, use]) => use.isInUse());
    for (const [id, use] of due) if (!use.isInUse()) this.drop(id, use);
    await this.touch(used);
  }

  private async touch(used: readonly Used[]): Promise<void> {
    if (used.length === 0) return;
    const askedAtMs = this.clock.monotonicMs();
    const touches = used.map(([id, use]) => use.touch(id, askedAtMs));
    const answers = await this.answersTo(touches);
    answers.forEach((answer, at) => this.answered(used[at]!, answer, { askedAtMs, touch: touches[at]! }));
    if (answers.some((answer) => answer !== 'unanswered')) this.listener.heard();
    const unheard = used.filter((_, at) => answers[at] === 'unanswered');
    if (unheard.length > 0) this.listener.unheard(unheard.flatMap(([id, { open }]) => (open > 0 ? [id] : [])));
  }

  private async answersTo(touches: readonly Touch[]): Promise<readonly Touched[]> {
    try {
      return await this.store.touch(touches);
    } catch (error) {
      this.logger.debug({ event: 'heartbeat.failed', error }, 'The store does not take the heartbeat.');
      return touches.map(() => 'unanswered');
    }
  }

  private answered([id, use]: Used, answer: Touched, { askedAtMs, touch }: { askedAtMs: number; touch: Touch }): void {
    if (answer === 'touched') {
      use.recorded(askedAtMs, touch);
      this.heartbeats.touched(use.windowMs, askedAtMs);
    } else if (answer === 'unanswered') {
      use.unanswered();
      this.heartbeats.unanswered(use.windowMs);
    } else {
      this.moved(id, use, answer.moved);
    }
  }

  /** What is open to a pod that the record no longer names is left alone until its pod goes. */
  private moved(id: SessionId, use: PodUse, truth: Session | undefined): void {
    if (truth) this.directory.note(truth);
    this.drop(id, use);
  }

  private drop(id: SessionId, use: PodUse): void {
    if (this.uses.get(id) === use) this.uses.delete(id);
  }

  private kept(session: Session, touchedAtMs: number): PodUse {
    const standing = this.standing(session);
    if (standing) return standing;
    const use = new PodUse(session, touchedAtMs, this.clock);
    this.uses.set(session.id, use);
    this.heartbeats.touched(use.windowMs, this.clock.monotonicMs());
    return use;
  }

  private standing(session: Session): PodUse | undefined {
    const use = this.uses.get(session.id);
    return use?.isOf(session) ? use : undefined;
  }

  /** A time-out that was changed changes the period of the heartbeat with it. */
  private adjust(session: Session): void {
    const use = this.standing(session);
    const windowMs = touchWindowMs(session);
    if (!use || use.windowMs === windowMs) return;
    use.windowMs = windowMs;
    this.heartbeats.touched(windowMs, use.touchedAtMs);
  }
}
