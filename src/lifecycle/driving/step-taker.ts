import { BoundedMap } from '../../platform/bounded-map.js';
import { Logger } from '../../platform/logger.js';
import { PodHeldBack, PodRefused, RuntimeUnavailable } from '../lifecycle.errors.js';
import { LifecycleMetrics } from '../lifecycle.metrics.js';
import type { Pod } from '../runtime/pod.js';
import { podName } from '../runtime/pod-name.js';
import { SessionRuntime } from '../runtime/session-runtime.js';
import type { Failure, Session } from '../session.js';
import { type Moved, refOf, SessionStore } from '../store/session-store.js';
import type { Template } from '../templates/template.js';
import { Templates } from '../templates/templates.js';
import { PodDirectory } from '../view/pod-directory.js';
import { SessionDirectory } from '../view/session-directory.js';
import { CreationLimiter } from './creation-limiter.js';
import { HeldBackStarts } from './held-back.js';
import { deathOf, deleted, failStep, isPodOf, replaceStep, type Step, type StepOf } from './next-step.js';
import { PodMaking } from './pod-making.js';

/** Long enough to be told of a place or a pod first; looking again costs little. */
const WAIT_TO_BE_TOLD_MS = 10_000;
const ASK_AGAIN_MS = 2_000;
const LOOK_AGAIN_MS = 100;
/** Far more than are named while the news of one is on its way. */
const MOST_NAMED = 10_000;
/** A template that is not known here is gone when nobody has set out to make such a pod for this long. */
const OTHERS_MAY_KNOW_MS = 10_000;
/** Whoever knows why a start was held back has this long past its deadline to say so. */
const LET_OTHERS_SPEAK_MS = 1_000;

/**
 * Takes one step for a session: asks the store for the right, does the deed, and has the store write it down. Answers
 * how long to wait before looking again; undefined: look at once.
 */
export class StepTaker {
  /** When this replica named which pod, by uid: its view is told on a connection of its own, mostly after the answer. */
  private readonly named = new BoundedMap<string, number>(MOST_NAMED);

  constructor(
    private readonly ports: {
      store: SessionStore;
      runtime: SessionRuntime;
      sessions: SessionDirectory;
      pods: PodDirectory;
    },
    private readonly rules: { templates: Templates; startTimeoutMs: number },
    private readonly starts: { limiter: CreationLimiter; making: PodMaking; heldBack: HeldBackStarts },
    private readonly metrics: LifecycleMetrics,
    private readonly logger: Logger,
  ) {}

  nowMs(): number {
    return this.ports.store.nowMs();
  }

  async take(session: Session, step: Exclude<Step, { kind: 'rest' | 'wait' }>): Promise<number | undefined> {
    switch (step.kind) {
      case 'start':
        return this.startPod(session);
      case 'name':
        return this.name(session, step);
      case 'mark-ready':
        return this.markReady(session, step);
      case 'look':
        return this.look(session, step.podName);
      case 'replace':
        return this.replace(session, step);
      case 'fail':
        return this.fail(session, step);
      case 'give-up':
        return this.giveUp(session, step);
      case 'finish':
        return this.note(session, await this.ports.store.finish(refOf(session), step.pods));
    }
  }

  private async startPod(session: Session): Promise<number | undefined> {
    const definition = this.rules.templates.find(session.template);
    if (!definition) return this.leaveToOthers(session);
    const isWarm = this.starts.making.candidates(session, definition).length > 0;
    if (!isWarm && !this.starts.limiter.tryAcquire(session.id)) return WAIT_TO_BE_TOLD_MS;
    const right = await this.ports.store.tryStart(refOf(session));
    if (right !== 'start') return 'waitMs' in right ? right.waitMs : this.note(session, right);
    const claimed = await this.starts.making.claim(session, definition);
    if (claimed) return this.namePod(session, claimed);
    return this.starts.limiter.tryAcquire(session.id) ? this.create(session, definition) : WAIT_TO_BE_TOLD_MS;
  }

  private async namePod(session: Session, pod: Pod): Promise<undefined> {
    const outcome = await this.ports.store.namePod(refOf(session), pod);
    if (outcome === 'named') this.named.set(pod.uid, this.nowMs());
    return this.note(session, outcome);
  }

  /**
   * A view that is behind may show a pod that is long gone, of an earlier session of the same id, whose tombstone is over
   * or which the store has forgotten: that one's address is somebody else's. So what was not made here just now is looked
   * at live before it is named.
   */
  private async name(session: Session, { pod: { name, uid } }: StepOf<'name'>): Promise<number | undefined> {
    const untilToldMs = (this.named.get(uid) ?? -Infinity) + LOOK_AGAIN_MS - this.nowMs();
    // More than that: the store's clock was set back.
    if (untilToldMs > 0 && untilToldMs <= LOOK_AGAIN_MS) return untilToldMs;
    const pod = await this.ports.runtime.read(name);
    if (pod === 'absent' || pod.uid !== uid || !isPodOf(session, pod)) return this.startPod(session);
    return this.namePod(session, pod);
  }

  /** While two versions run beside each other another replica may know the template, and be at it. */
  private async leaveToOthers(session: Session): Promise<number | undefined> {
    const beganAtMs = (session.startDeadlineAtMs ?? 0) - this.rules.startTimeoutMs;
    const sinceMs = Math.max(beganAtMs, session.startNotBeforeMs ?? 0, session.triedAtMs ?? 0);
    const leftMs = sinceMs + OTHERS_MAY_KNOW_MS - this.nowMs();
    return leftMs > 0 ? leftMs : this.fail(session, failStep(session, templateGone(session)));
  }

  private async create(session: Session, definition: Template): Promise<number | undefined> {
    const made = await this.starts.making.create(session, definition);
    if (made instanceof PodRefused) return this.fail(session, failStep(session, failureOf(made, this.nowMs())));
    if (made instanceof PodHeldBack) return this.waitForRoom(session, made);
    if (made === 'name-taken')
      return this.replace(session, replaceStep(session, nameTaken(this.nowMs()), this.nowMs()));
    return this.namePod(session, made);
  }

  /** Room may come: somebody else's session ends, a quota is raised. Until the deadline it is asked for again. */
  private waitForRoom(session: Session, heldBack: PodHeldBack): number {
    const current = this.ports.sessions.find(session.id);
    if (current?.state !== 'creating' || current.generation !== session.generation) return ASK_AGAIN_MS;
    if (!this.starts.heldBack.find(session)) {
      const { id: sessionId, generation } = session;
      this.logger.warn({ event: 'start.held-back', sessionId, generation, reason: heldBack.reason }, heldBack.message);
    }
    this.starts.heldBack.note(session, heldBack, this.nowMs());
    return ASK_AGAIN_MS;
  }

  private async markReady(session: Session, { pod, address }: StepOf<'mark-ready'>): Promise<number | undefined> {
    const outcome = await this.ports.store.markReady(refOf(session), address);
    if (outcome !== 'ready') return 'addressHeldMs' in outcome ? outcome.addressHeldMs : this.note(session, outcome);
    const seconds = (this.nowMs() - (session.triedAtMs ?? session.openedAtMs)) / 1_000;
    this.metrics.podCreated(pod.wasWarm ? 'warm' : 'cold', 'ready', seconds);
    const { id, generation } = session;
    this.logger.info({ event: 'session.ready', sessionId: id, generation, pod: pod.name, seconds });
    return undefined;
  }

  /**
   * The view lacks the pod; a live answer decides. Still there: the watch will tell of it in a moment. A watch that is
   * frozen may lack many for long, so they are asked for less and less.
   */
  private async look(session: Session, podName: string): Promise<number | undefined> {
    const pod = await this.ports.runtime.read(podName);
    const isThere = pod !== 'absent' && pod.uid === session.pod?.uid;
    const death = isThere ? deathOf(pod, this.nowMs()) : deleted(this.nowMs());
    if (death) return this.replace(session, replaceStep(session, death, this.nowMs()));
    const sinceMs = this.nowMs() - (session.readyAtMs ?? session.triedAtMs ?? session.openedAtMs);
    return Math.min(Math.max(sinceMs / 5, LOOK_AGAIN_MS), ASK_AGAIN_MS);
  }

  private async replace(session: Session, step: StepOf<'replace'>): Promise<number | undefined> {
    const outcome = await this.ports.store.replace(refOf(session), step.death, step.startAfterMs);
    if ('moved' in outcome) return this.note(session, outcome);
    const { reason, message } = step.death;
    this.metrics.healed(reason);
    this.logger.warn(
      { event: 'session.healing', sessionId: session.id, generation: outcome.generation, reason },
      message,
    );
    return undefined;
  }

  private async fail(session: Session, step: StepOf<'fail'>): Promise<number | undefined> {
    const outcome = await this.ports.store.fail(refOf(session), step.failure, step.backOffMs);
    if (outcome !== 'failed') return this.note(session, outcome);
    const { reason, message } = step.failure;
    this.metrics.creationFailed(reason);
    this.metrics.podCreated('cold', 'failed', (this.nowMs() - (session.triedAtMs ?? session.openedAtMs)) / 1_000);
    this.logger.warn(
      { event: 'session.failed', sessionId: session.id, generation: session.generation, reason },
      message,
    );
    return undefined;
  }

  /** While the runtime is away nothing is known of the pod: the deadline waits, and then the start has its time again. */
  private async giveUp(session: Session, { podName: named }: StepOf<'give-up'>): Promise<number | undefined> {
    const pod = await this.readOrProlong(session, named ?? podName(session.id, session.generation));
    if (pod !== 'absent' && pod.uid === session.pod?.uid && pod.phase === 'ready' && pod.address !== undefined)
      return this.markReady(session, { kind: 'mark-ready', pod, address: pod.address });
    const sinceOutageMs = this.ports.pods.unbrokenMs();
    if (sinceOutageMs < this.rules.startTimeoutMs) return this.prolong(session, sinceOutageMs);
    if (pod === 'absent' && this.mayOthersKnowWhy(session)) return LET_OTHERS_SPEAK_MS / 4;
    return this.fail(session, failStep(session, this.startTimeout(session, pod)));
  }

  /** An outage that has ended since the start began took it time, and there may have been nobody to prolong it. */
  private async prolong(session: Session, sinceOutageMs: number): Promise<number> {
    const leftMs = this.rules.startTimeoutMs - sinceOutageMs;
    await this.ports.store.postpone(refOf(session), leftMs);
    return Math.min(leftMs, ASK_AGAIN_MS);
  }

  /** The replica that was refused a pod last knows the reason; this may be another one. */
  private mayOthersKnowWhy(session: Session): boolean {
    if (session.triedAtMs === undefined || this.starts.heldBack.find(session)) return false;
    return this.nowMs() < (session.startDeadlineAtMs ?? 0) + LET_OTHERS_SPEAK_MS;
  }

  private async readOrProlong(session: Session, name: string): Promise<Pod | 'absent'> {
    try {
      return await this.ports.runtime.read(name);
    } catch (error) {
      if (error instanceof RuntimeUnavailable)
        await this.ports.store.postpone(refOf(session), this.rules.startTimeoutMs);
      throw error;
    }
  }

  private startTimeout(session: Session, pod: Pod | 'absent'): Failure {
    const seconds = Math.round(this.rules.startTimeoutMs / 1_000);
    const { reason, why } = this.shownBy(session, pod);
    return { reason, message: `The pod was not ready within ${seconds} s: ${why}`, atMs: this.nowMs() };
  }

  /** What is known of a start that did not end in time; what befell an earlier start is none of it. */
  private shownBy(session: Session, pod: Pod | 'absent'): { reason: string; why: string } {
    if (pod !== 'absent' && pod.failure) return { reason: pod.failure.reason, why: pod.failure.message };
    if (pod !== 'absent') return { reason: 'StartTimeout', why: 'it runs but does not answer its health path.' };
    const heldBack = this.starts.heldBack.find(session);
    if (heldBack) return { reason: heldBack.reason, why: heldBack.message };
    if (session.lastFailure) return { reason: session.lastFailure.reason, why: session.lastFailure.message };
    if (session.triedAtMs === undefined)
      return { reason: 'StartTimeout', why: 'too many others were being started; it was not its turn.' };
    return { reason: 'StartTimeout', why: 'it could not be made; the log of Berth says why.' };
  }

  /** What the store says instead; what it does not know at all is not true here either. */
  private note(session: Session, outcome: string | Moved): undefined {
    if (typeof outcome !== 'object') return undefined;
    if (outcome.moved) this.ports.sessions.note(outcome.moved);
    else this.ports.sessions.forget(session.id);
    return undefined;
  }
}

function templateGone({ template }: Session): Failure {
  return { reason: 'TemplateGone', message: `There is no template ${template} any more.`, atMs: 0 };
}

function failureOf({ reason, message }: PodRefused, atMs: number): Failure {
  return { reason, message, atMs };
}

function nameTaken(atMs: number) {
  return {
    reason: 'NameTaken',
    message: 'A pod of that name is there already and is not ours to use.',
    atMs,
    crashed: false,
  };
}
