import { Clock, pause } from '../../platform/clock.js';
import { isExpired } from '../deadlines.js';
import { isOutage, LifecycleError } from '../lifecycle.errors.js';
import { SessionDriver } from '../driving/session-driver.js';
import type { Pod } from '../runtime/pod.js';
import type { Admission, AdmissionRequest, Pending } from '../sessions.js';
import { mayReach, type Session, wasEnded } from '../session.js';
import type { SessionId } from '../session-id.js';
import { SessionStore } from '../store/session-store.js';
import { Templates } from '../templates/templates.js';
import { PodDirectory } from '../view/pod-directory.js';
import { SessionDirectory } from '../view/session-directory.js';
import { SessionViews } from '../view/session-views.js';
import { Contact } from './contact.js';
import { InUse } from './in-use.js';
import { PodWitness } from './pod-witness.js';
import { PodAdmission } from './pod-admission.js';
import { endedMeanwhile, otherGeneration, refusalOf, startFailed, startTimedOut } from './refusals.js';
import { type Verdict, WaitingRoom } from './waiting-room.js';

interface View {
  sessions: SessionDirectory;
  pods: PodDirectory;
  show: SessionViews;
}

interface Doing {
  inUse: InUse;
  waiting: WaitingRoom;
  driver: SessionDriver;
  witness: PodWitness;
  contact: Contact;
}

/** What one request has been through on its way to its pod. */
interface Way {
  request: AdmissionRequest;
  beganAtMs: number;
  /** It waited for a pod to be made (not just for a restart in place). */
  sawStart: boolean;
  /** The opening that the store let it into, or that has followed since without a DELETE between. */
  entered?: number;
  /** The session that it waits for, as last seen. */
  waitedFor?: Session;
}

/** A start that fails at its deadline tells why, once its pod was looked at; who waits for it waits that much longer. */
const GRACE_MS = 5_000;
/** View and store may contradict each other for a while, each sending the request to the other. */
const MOST_TURNS_IN_A_ROW = 8;
const BETWEEN_TURNS_MS = 100;

/**
 * The way of a request to its pod. A session that is in use is known here and costs nothing; any other is entered
 * through the store, which touches it in the same step, so that the reaper and a request can never both have it.
 */
export class Admissions {
  constructor(
    private readonly store: SessionStore,
    private readonly view: View,
    private readonly doing: Doing,
    private readonly rules: { templates: Templates; startTimeoutMs: number },
    private readonly clock: Clock,
  ) {}

  async admit(request: AdmissionRequest): Promise<Admission | Pending> {
    const way: Way = {
      request,
      beganAtMs: this.clock.monotonicMs(),
      sawStart: false,
      entered: request.after?.entered,
    };
    const known = request.after ? undefined : this.admitKnown(way);
    return known ?? this.admitThroughStore(way);
  }

  private async admitThroughStore(way: Way): Promise<Admission | Pending> {
    for (let turns = 0; ; turns += 1) {
      if (turns > MOST_TURNS_IN_A_ROW) await pause(this.clock, BETWEEN_TURNS_MS, way.request.signal);
      const session = await this.enterOrServeKnown(way);
      if (this.hasMoved(session)) continue;
      const pod = this.reachablePod(session);
      if (pod) return this.admission(way, session, pod);
      if (session.state === 'failed') throw startFailed(session, this.store.nowMs());
      const isOver = await this.holdUntilChanged(way, session);
      if (isOver) return { pending: this.view.show.current(way.request.id, session) };
      const known = this.admitKnown(way);
      if (known) return known;
    }
  }

  /** A ready session touched within its window, by its owner, whose pod stands: no round trip but the one to its pod. */
  private admitKnown(way: Way): Admission | undefined {
    const known = this.knownFor(way.request);
    if (!known || !this.doing.inUse.isFresh(known.session)) return undefined;
    return this.admission(way, known.session, known.pod);
  }

  /** What this replica itself knows to be this caller's, ready, and with an unmarked pod that can be reached. */
  private knownFor({ id, caller }: AdmissionRequest): { session: Session; pod: Pod } | undefined {
    const session = this.view.sessions.find(id);
    if (session?.state !== 'ready' || !mayReach(session, caller)) return undefined;
    if (isExpired(session, this.store.nowMs())) return undefined;
    const pod = this.reachablePod(session);
    return pod && pod.markedUntilMs === undefined ? { session, pod } : undefined;
  }

  /** A store that is away, or has lost its memory, is no reason to turn away from a pod that is known to be there. */
  private async enterOrServeKnown(way: Way): Promise<Session> {
    const askedAtMs = this.clock.monotonicMs();
    try {
      return await this.enter(way, askedAtMs);
    } catch (outage) {
      const known = isOutage(outage) && !this.doing.contact.isLost() ? this.knownFor(way.request) : undefined;
      const witnessedAtMs = this.clock.monotonicMs();
      if (!known || !(await this.doing.witness.recordUse(known.session, known.pod))) throw outage;
      this.doing.inUse.touched(known.session, witnessedAtMs);
      return known.session;
    }
  }

  private async enter(way: Way, askedAtMs: number): Promise<Session> {
    const { id, caller, generation } = way.request;
    const bounds = { onlyGeneration: generation, heldFor: way.entered };
    const entered = await this.store.enter(id, caller, this.rules.templates.plainOpening(caller, bounds));
    this.doing.contact.storeAnswered();
    if (typeof entered === 'string') throw refusalOf(entered);
    const { session } = entered;
    way.entered = session.opening;
    this.view.sessions.note(session);
    if (session.state === 'ready') this.doing.inUse.touched(session, askedAtMs);
    return session;
  }

  /** What has been heard meanwhile is newer than the answer: its pod may be gone, and its address somebody else's. */
  private hasMoved({ id, version, generation, state, pod }: Session): boolean {
    const known = this.view.sessions.find(id);
    if (!known || known.version <= version) return false;
    return known.state !== state || known.generation !== generation || known.pod?.uid !== pod?.uid;
  }

  private admission(way: Way, session: Session, pod: Pod): Admission {
    const { caller, generation } = way.request;
    this.rules.templates.assertAllowed(session.template, caller);
    if (generation !== undefined && session.generation !== generation) throw otherGeneration();
    const start = way.sawStart ? (pod.wasWarm ? 'warm' : 'cold') : 'none';
    const heldMs = this.clock.monotonicMs() - way.beganAtMs;
    return new PodAdmission(
      session,
      pod,
      { entered: way.entered, start, heldMs },
      this.doing.inUse.begin(session, 'request'),
      this.view.pods,
    );
  }

  private reachablePod(session: Session): Pod | undefined {
    if (session.state !== 'ready') return undefined;
    return this.view.pods.reachable(session.pod);
  }

  /** True when the client's patience ended first. While a pod restarts in place, who waits for it uses the session. */
  private async holdUntilChanged(way: Way, session: Session): Promise<boolean> {
    const use = session.state === 'ready' ? this.doing.inUse.begin(session, 'held') : undefined;
    try {
      return await this.hold(way, session);
    } finally {
      use?.end();
    }
  }

  private async hold(way: Way, session: Session): Promise<boolean> {
    const { id, signal, patienceMs = Infinity } = way.request;
    way.waitedFor = session;
    way.sawStart ||= session.state === 'creating';
    const longestMs = this.rules.startTimeoutMs + GRACE_MS;
    const leftMs = Math.max(0, Math.min(patienceMs, longestMs) - (this.clock.monotonicMs() - way.beganAtMs));
    const held = this.doing.waiting.hold({ id, look: () => this.look(way), signal, patienceMs: leftMs });
    this.doing.driver.drive(id);
    if ((await held) === 'go') return false;
    if (patienceMs <= longestMs) return true;
    throw this.outOfTime(id, session);
  }

  /** Nobody has given the start up yet; what is seen to hinder it is the best that is known. */
  private outOfTime(id: SessionId, session: Session): LifecycleError {
    const { state, lastFailure } = this.view.show.current(id, session);
    const known = state === 'creating' || state === 'healing' ? lastFailure : undefined;
    const sentence = `The pod was not ready within ${Math.round(this.rules.startTimeoutMs / 1_000)} s`;
    return startTimedOut(known ? `${sentence}: ${known.message}` : `${sentence}.`, known?.reason);
  }

  /** What the view says to one who waits; what it says `go` to is asked of the store again. */
  private look(way: Way): Verdict {
    const { waitedFor, entered = waitedFor?.opening ?? Infinity } = way;
    const session = this.view.sessions.find(way.request.id);
    const lastSeen = session ?? this.view.sessions.findEnd(way.request.id);
    if (lastSeen && wasEnded(lastSeen, entered)) return { refusal: endedMeanwhile() };
    if (!session) return 'go';
    way.waitedFor = session;
    if (way.entered !== undefined) way.entered = session.opening;
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
        return 'go';
      default:
        return { refusal: stateOfLaterVersion() };
    }
  }
}

/** While two versions run beside each other. */
function stateOfLaterVersion(): LifecycleError {
  const sentence = 'The session is in a state that only a later version of Berth knows; ask again in a moment.';
  return new LifecycleError('DEPENDENCY_UNAVAILABLE', sentence);
}
