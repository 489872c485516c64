import { Clock } from '../../platform/clock.js';
import { expiresAtMs, isExpired } from '../deadlines.js';
import { LifecycleError } from '../lifecycle.errors.js';
import type { Pod } from '../runtime/pod.js';
import type { Admission, AdmissionRequest, Pending } from '../sessions.js';
import { isLive } from '../session-states.js';
import type { Session } from '../session.js';
import { SessionStore } from '../store/session-store.js';
import { Templates } from '../templates/templates.js';
import { SessionDriver } from '../driving/session-driver.js';
import { PodDirectory } from '../view/pod-directory.js';
import { SessionDirectory } from '../view/session-directory.js';
import { SessionViews } from '../view/session-views.js';
import { InUse } from './in-use.js';
import { refusalOf, startFailed, startTimedOut } from './refusals.js';
import { type Verdict, WaitingRoom } from './waiting-room.js';

interface View {
  sessions: SessionDirectory;
  pods: PodDirectory;
  show: SessionViews;
}

/** A start that fails at its deadline tells why; who waits for it waits that much longer. */
const GRACE_MS = 2_000;

/** What one request has been through on its way to its pod. */
interface Way {
  request: AdmissionRequest;
  beganAtMs: number;
  /** It waited for a pod to be made (not just for a restart in place). */
  sawStart: boolean;
  /** The start that it waits for, as last seen. */
  waitedFor?: Session;
}

/**
 * The way of a request to its pod. A session that is in use is known here and costs nothing; any other is entered
 * through the store, which touches it in the same step, so that the reaper and a request can never both have it.
 */
export class Admissions {
  constructor(
    private readonly store: SessionStore,
    private readonly view: View,
    private readonly use: { inUse: InUse; waiting: WaitingRoom; driver: SessionDriver },
    private readonly rules: { templates: Templates; startTimeoutMs: number },
    private readonly clock: Clock,
  ) {}

  async admit(request: AdmissionRequest): Promise<Admission | Pending> {
    const way: Way = { request, beganAtMs: this.clock.monotonicMs(), sawStart: false };
    const known = request.anew ? undefined : this.admitKnown(way);
    if (known) return known;
    await this.checkGeneration(request);
    return this.admitThroughStore(way);
  }

  private async admitThroughStore(way: Way): Promise<Admission | Pending> {
    for (;;) {
      const session = await this.enter(way);
      const pod = this.reachablePod(session);
      if (pod) return this.admission(way, session, pod, true);
      if (session.state === 'failed') throw startFailed(session, this.store.nowMs());
      const isOver = await this.holdUntilChanged(way, session);
      if (isOver) return { pending: this.view.show.current(way.request.id, session) };
      const known = this.admitKnown(way);
      if (known) return known;
    }
  }

  /** A ready session touched within its window, by its owner, whose pod stands: no round trip but the one to its pod. */
  private admitKnown(way: Way): Admission | undefined {
    const { id, caller } = way.request;
    const session = this.view.sessions.find(id);
    if (session?.state !== 'ready' || !this.use.inUse.isFresh(session)) return undefined;
    if (session.owner !== caller.owner && !caller.isAdmin) return undefined;
    if (isExpired(session, this.store.nowMs())) return undefined;
    const pod = this.reachablePod(session);
    return pod && pod.markedUntilMs === undefined ? this.admission(way, session, pod, false) : undefined;
  }

  private async enter({ request: { id, caller, generation }, waitedFor }: Way): Promise<Session> {
    const askedAtMs = this.clock.monotonicMs();
    const standing = waitedFor ?? this.view.sessions.find(id);
    const opening = this.rules.templates.openingFor({}, caller, standing && this.keptTemplate(standing));
    const entered = await this.store.enter(id, caller, opening);
    if (typeof entered === 'string') throw refusalOf(entered);
    const { session } = entered;
    this.view.sessions.note(session);
    this.rules.templates.assertAllowed(session.template, caller);
    assertGeneration(session, generation);
    if (session.state === 'ready') this.use.inUse.touched(session, askedAtMs);
    return session;
  }

  /** Only a template that still exists can be the basis of what an opening fills in. */
  private keptTemplate({ template }: Session): string | undefined {
    return this.rules.templates.find(template) && template;
  }

  private admission(way: Way, session: Session, pod: Pod, isRecorded: boolean): Admission {
    this.rules.templates.assertAllowed(session.template, way.request.caller);
    assertGeneration(session, way.request.generation);
    const use = this.use.inUse.begin(session, isRecorded);
    return {
      id: session.id,
      generation: session.generation,
      restarts: pod.restarts,
      address: pod.address!,
      start: way.sawStart ? (pod.wasWarm ? 'warm' : 'cold') : 'none',
      heldMs: this.clock.monotonicMs() - way.beganAtMs,
      isFresh: use.isFresh,
      release: use.end,
    };
  }

  private reachablePod(session: Session): Pod | undefined {
    if (session.state !== 'ready') return undefined;
    const pod = this.view.pods.find(session.pod?.uid);
    return pod?.phase === 'ready' && pod.address !== undefined ? pod : undefined;
  }

  /** True when the client's patience ended first. */
  private async holdUntilChanged(way: Way, session: Session): Promise<boolean> {
    const { id, signal, patienceMs = Infinity } = way.request;
    way.waitedFor = session;
    way.sawStart ||= session.state === 'creating';
    const longestMs = this.rules.startTimeoutMs + GRACE_MS;
    const heldMs = this.clock.monotonicMs() - way.beganAtMs;
    const look = (): Verdict => this.look(way);
    const leftMs = Math.max(0, Math.min(patienceMs, longestMs) - heldMs);
    const held = this.use.waiting.hold({ id, look, signal, patienceMs: leftMs });
    this.use.driver.drive(id);
    if ((await held) === 'go') return false;
    if (patienceMs <= longestMs) return true;
    throw startTimedOut(`The pod was not ready within ${Math.round(this.rules.startTimeoutMs / 1_000)} s.`);
  }

  /** What the view says to one who waits; what it says `go` to is asked of the store again. */
  private look(way: Way): Verdict {
    const session = this.view.sessions.find(way.request.id);
    if (!session) return 'go';
    const { waitedFor } = way;
    way.waitedFor = session;
    switch (session.state) {
      case 'creating':
        way.sawStart = true;
        return 'wait';
      case 'ready':
        return this.reachablePod(session) ? 'go' : 'wait';
      case 'failed':
        return { refusal: startFailed(session, this.store.nowMs(), waitedFor?.startDeadlineAtMs) };
      case 'terminating':
      case 'ended':
        return session.endedBy === 'request' ? { refusal: endedMeanwhile() } : 'go';
    }
  }

  /** If-Session-Generation never opens a session: it asks for one that is there. */
  private async checkGeneration({ id, caller, generation }: AdmissionRequest): Promise<void> {
    if (generation === undefined) return;
    const session = await this.store.find(id);
    if (session && session.owner !== caller.owner && !caller.isAdmin) throw refusalOf('not-yours');
    const isThere = session !== undefined && isLive(session.state) && !this.isOver(session);
    if (!isThere)
      throw new LifecycleError('GENERATION_MISMATCH', `There is no generation ${generation}: the session has no pod.`);
    assertGeneration(session, generation);
  }

  private isOver(session: Session): boolean {
    return (expiresAtMs(session) ?? Infinity) <= this.store.nowMs();
  }
}

function assertGeneration(session: Session, expected: number | undefined): void {
  if (expected === undefined || session.generation === expected) return;
  const sentence = `The session is at generation ${session.generation}, not ${expected}: what was kept in the earlier pod is gone.`;
  throw new LifecycleError('GENERATION_MISMATCH', sentence);
}

function endedMeanwhile(): LifecycleError {
  return new LifecycleError(
    'SESSION_TERMINATING',
    'The session was ended while this request waited for its pod; ask again to open it anew.',
  );
}
