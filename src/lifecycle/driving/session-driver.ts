import { Clock, type Timer } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { PodDirectory } from '../view/pod-directory.js';
import { SessionDirectory } from '../view/session-directory.js';
import { WaitingRoom } from '../admission/waiting-room.js';
import { isOutage, RuntimeUnavailable } from '../lifecycle.errors.js';
import { CreationLimiter } from './creation-limiter.js';
import { nextStep } from './next-step.js';
import { StepTaker } from './step-taker.js';
import { StrayRemoval } from './stray-removal.js';

const LOOK_AGAIN_MS = 1_000;
/** A failure that is over sooner is a hiccup: who waits need not hear of it. */
const HICCUP_MS = 3_000;
/** A session that needs more steps than this without a pause is going round in circles. */
const MOST_STEPS = 25;

/**
 * Carries every session on to where it should be. A creation belongs to nobody: whichever replica has requests
 * waiting for a session drives it, and the leader drives all; each step is a compare-and-set, so it does no harm that
 * several do. One session is driven by one pass at a time here; what happens meanwhile makes it look once more.
 */
export class SessionDriver {
  private readonly driving = new Map<SessionId, { again: boolean }>();
  private readonly timers = new Map<SessionId, Timer>();
  /** Since when the passes of a session fail, and when the last one did, by the monotonic clock. */
  private readonly failing = new Map<SessionId, { sinceMs: number; lastMs: number }>();
  private isStopped = false;
  /** Set while this replica leads. Asked each time: a replica that was paused may have lost its lead unnoticed. */
  whileLeading?: AbortSignal;

  constructor(
    private readonly view: {
      sessions: SessionDirectory;
      pods: PodDirectory;
      find: (id: SessionId) => Promise<Session | undefined>;
    },
    private readonly waiting: WaitingRoom,
    private readonly steps: { taker: StepTaker; strays: StrayRemoval; limiter: CreationLimiter },
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Follows what the store and the runtime report. */
  start(): void {
    this.view.sessions.onChange((session, before) => this.sessionChanged(session, before));
    this.view.sessions.onForget((id) => this.forgotten(id));
    this.view.pods.onChange((pod) => pod.assignment && this.podChanged(pod.assignment.id));
  }

  stop(): void {
    this.isStopped = true;
    for (const timer of this.timers.values()) timer.cancel();
  }

  private get isLeading(): boolean {
    return this.whileLeading !== undefined && !this.whileLeading.aborted;
  }

  /** Look at this session soon, if it is ours to look after. */
  drive(id: SessionId): void {
    if (this.isStopped || !this.isWanted(id)) return;
    const running = this.driving.get(id);
    if (running) running.again = true;
    else void this.driveUntilQuiet(id);
  }

  /** It has a place among the starts now. One that nobody waits for here gives it to the next: others may carry it on. */
  placed(id: SessionId): void {
    if (this.isWanted(id)) this.drive(id);
    else this.steps.limiter.release(id);
  }

  private sessionChanged(session: Session, before: Session | undefined): void {
    const isSameStart = before?.generation === session.generation && before.state === session.state;
    if (!isSameStart) this.steps.limiter.release(session.id);
    if (!isSameStart || before.pod?.uid !== session.pod?.uid) this.failing.delete(session.id);
    this.waiting.wake(session.id);
    if (!isSameStart || session.state !== 'ready') this.drive(session.id);
  }

  private forgotten(id: SessionId): void {
    this.steps.limiter.release(id);
    this.failing.delete(id);
    this.waiting.wake(id);
  }

  private podChanged(id: SessionId): void {
    this.waiting.wake(id);
    this.drive(id);
  }

  private isWanted(id: SessionId): boolean {
    return this.isLeading || this.waiting.has(id);
  }

  private async driveUntilQuiet(id: SessionId): Promise<void> {
    const running = { again: true };
    this.driving.set(id, running);
    let lookAgainMs: number | undefined;
    while (running.again && !this.isStopped) {
      running.again = false;
      lookAgainMs = await this.passSafely(id);
    }
    this.driving.delete(id);
    if (lookAgainMs !== undefined) this.lookAgain(id, lookAgainMs);
  }

  private lookAgain(id: SessionId, ms: number): void {
    this.timers.get(id)?.cancel();
    this.timers.delete(id);
    if (this.isStopped || !this.isWanted(id)) return;
    this.timers.set(
      id,
      this.clock.after(ms, () => {
        this.timers.delete(id);
        this.drive(id);
      }),
    );
  }

  private async passSafely(id: SessionId): Promise<number | undefined> {
    const step = { beganAtMs: this.clock.monotonicMs() };
    try {
      return await this.pass(id, step);
    } catch (error) {
      if (!isOutage(error)) this.logger.error({ event: 'drive.failed', sessionId: id, error });
      this.failed(id, error as Error, step.beganAtMs);
      return LOOK_AGAIN_MS;
    }
  }

  /**
   * A call that nobody answered has failed since it was begun: who waits has waited for that already. Hiccups that are
   * far apart are not one failure; what lies between two tries for a pod is no success.
   */
  private failed(id: SessionId, error: Error, beganAtMs: number): void {
    const lastMs = this.clock.monotonicMs();
    const before = this.failing.get(id);
    const sinceMs = before && beganAtMs - before.lastMs <= HICCUP_MS ? before.sinceMs : beganAtMs;
    if (!this.waiting.has(id)) return void this.failing.delete(id);
    this.failing.set(id, { sinceMs, lastMs });
    if (lastMs - sinceMs >= HICCUP_MS) this.waiting.refuse(id, error);
  }

  /** `otherwise`: what the store says of a session that the view does not have (it may have ended). */
  private lookForStrays(id: SessionId, otherwise: Session | undefined): void {
    const { sessions, pods } = this.view;
    const facts = () => ({ session: sessions.find(id) ?? otherwise, pods: pods.ofSession(id) });
    this.steps.strays.look(id, facts, () => this.isLeading && !this.isStopped);
  }

  /** Takes steps until there is none to take; answers when to look again, if time alone can bring the next. */
  private async pass(id: SessionId, current: { beganAtMs: number }): Promise<number | undefined> {
    for (let taken = 0; taken < MOST_STEPS; taken += 1) {
      current.beganAtMs = this.clock.monotonicMs();
      if (!this.view.pods.isSynced()) throw new RuntimeUnavailable('The pods are not known yet.');
      const session = this.view.sessions.find(id) ?? (await this.view.find(id));
      if (this.isLeading) this.lookForStrays(id, session);
      if (!session) return undefined;
      const step = nextStep(session, this.view.pods.ofSession(id), this.steps.taker.nowMs());
      if (step.kind === 'rest') return undefined;
      const waitMs = step.kind === 'wait' ? step.ms : await this.steps.taker.take(session, step);
      if (waitMs !== undefined) return waitMs;
    }
    this.logger.warn({ event: 'drive.circles', sessionId: id }, 'A session takes step after step; pausing.');
    return LOOK_AGAIN_MS;
  }
}
