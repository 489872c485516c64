import { Logger } from '../platform/logger.js';
import { notFound, refusalOf } from './admission/refusals.js';
import { Admissions } from './admission/admissions.js';
import { InUse } from './admission/in-use.js';
import { PodRemoval } from './driving/pod-removal.js';
import { SessionDriver } from './driving/session-driver.js';
import type { SessionId } from './session-id.js';
import { isLive, type SessionState } from './session-states.js';
import { type Caller, mayReach, type Session, type Timeouts } from './session.js';
import {
  type Admission,
  type AdmissionRequest,
  type Asked,
  type Pending,
  type SessionEvent,
  type SessionPage,
  type SessionQuery,
  Sessions,
  type SessionView,
} from './sessions.js';
import { annotateLatest } from './runtime/annotate-latest.js';
import type { Pod } from './runtime/pod.js';
import { SessionRuntime } from './runtime/session-runtime.js';
import { SessionStore } from './store/session-store.js';
import { Templates } from './templates/templates.js';
import { PodDirectory } from './view/pod-directory.js';
import { SessionDirectory } from './view/session-directory.js';
import { SessionJournal } from './view/session-journal.js';
import { SessionViews } from './view/session-views.js';
import { SlowStarts } from './view/slow-starts.js';

interface Ports {
  store: SessionStore;
  runtime: SessionRuntime;
}

interface Views {
  sessions: SessionDirectory;
  pods: PodDirectory;
  show: SessionViews;
  journal: SessionJournal;
}

interface Moves {
  admissions: Admissions;
  inUse: InUse;
  driver: SessionDriver;
  removal: PodRemoval;
}

/** Every call of the product on sessions, each read top to bottom. */
export class SessionsService extends Sessions {
  private readonly slowStarts: SlowStarts;

  constructor(
    private readonly ports: Ports,
    private readonly views: Views,
    private readonly moves: Moves,
    private readonly templates: Templates,
    private readonly logger: Logger,
  ) {
    super();
    this.slowStarts = new SlowStarts(ports.runtime, () => ports.store.nowMs());
  }

  admit(request: AdmissionRequest): Promise<Admission | Pending> {
    return this.moves.admissions.admit(request);
  }

  async open(id: SessionId, caller: Caller, asked: Asked): Promise<{ session: SessionView; opened: boolean }> {
    const standing = await this.ports.store.find(id);
    if (standing && !mayReach(standing, caller)) throw notFound();
    const opening = this.templates.openingFor(asked, caller, this.standingTemplate(standing));
    const entered = await this.ports.store.enter(id, caller, opening);
    if (typeof entered === 'string') throw refusalOf(entered);
    this.views.sessions.note(entered.session);
    this.moves.driver.drive(id);
    if (entered.outcome === 'opened') return { session: this.views.show.current(id, entered.session), opened: true };
    return { session: await this.changed(entered.session, caller, asked), opened: false };
  }

  async status(id: SessionId, caller: Caller): Promise<SessionView> {
    const session = await this.get(id, caller);
    const view = this.views.show.of(session);
    const pod = session.state === 'creating' && this.views.pods.find(session.pod?.uid);
    if (!pod) return view;
    return { ...view, lastFailure: (await this.slowStarts.find(pod)) ?? view.lastFailure };
  }

  async list(caller: Caller, query: SessionQuery): Promise<SessionPage> {
    const { state, ...rest } = query;
    const owner = caller.isAdmin ? query.owner : caller.owner;
    const stored: SessionState | undefined = state === 'healing' ? 'creating' : state;
    const page = await this.ports.store.list({ ...rest, owner, state: stored });
    const sessions = page.sessions.map((session) => this.views.show.of(session));
    return { sessions: sessions.filter((shown) => state === undefined || shown.state === state), next: page.next };
  }

  async keepalive(id: SessionId, caller: Caller): Promise<SessionView> {
    const session = await this.get(id, caller);
    this.templates.assertAllowed(session.template, caller);
    if (session.state === 'terminating') throw notFound();
    if (session.state === 'ready') {
      const ref = { id, generation: session.generation, uid: session.pod?.uid };
      const [answer] = await this.ports.store.touch([{ ...ref, requests: 0 }]);
      if (typeof answer === 'object' && (!answer.moved || !isLive(answer.moved.state))) throw notFound();
    }
    return this.status(id, caller);
  }

  async end(id: SessionId, caller: Caller): Promise<void> {
    const session = await this.ports.store.find(id);
    if (!session || !mayReach(session, caller)) throw notFound();
    if (!isLive(session.state)) return;
    const pod = this.views.pods.find(session.pod?.uid);
    if (pod) await this.moves.removal.remove(pod, 'request', () => this.endRecord(id, caller));
    else await this.endRecord(id, caller);
    this.moves.driver.drive(id);
  }

  async logs(
    id: SessionId,
    caller: Caller,
    options: { follow: boolean; tailLines?: number; signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>> {
    const session = await this.get(id, caller);
    const pod = this.views.pods.find(session.pod?.uid);
    if (pod) return this.ports.runtime.logs(pod, options);
    return lastWords(session);
  }

  async events(id: SessionId, caller: Caller, signal: AbortSignal): Promise<AsyncIterable<SessionEvent>> {
    return this.views.journal.follow(await this.get(id, caller), signal);
  }

  onPodGone(gone: (address: string) => void): void {
    this.views.sessions.onChange((session, before) => {
      const address = reachableAt(before);
      if (address !== undefined && reachableAt(session) !== address) gone(address);
    });
    this.views.pods.onChange((pod, before, isGone) => this.podEnded(pod, before, isGone) && gone(pod.address!));
  }

  /** The watch may tell before the store does, or without it. An address that another pod has by now is that one's. */
  private podEnded(pod: Pod, before: Pod | undefined, isGone: boolean): boolean {
    const hasJustEnded = (isGone || pod.phase === 'dead') && before !== undefined && before.phase !== 'dead';
    if (!hasJustEnded || pod.address === undefined) return false;
    const isOthers = ({ uid, address, phase }: Pod): boolean =>
      uid !== pod.uid && address === pod.address && phase !== 'dead';
    return !this.views.pods.all().some(isOthers);
  }

  /** Any session that is there for this caller; one that has ended is not. */
  private async get(id: SessionId, caller: Caller): Promise<Session> {
    const session = await this.ports.store.find(id);
    if (!session || session.state === 'ended' || !mayReach(session, caller)) throw notFound();
    return session;
  }

  /** The template that a session has, or would come back with. */
  private standingTemplate(session: Session | undefined): string | undefined {
    return session?.endedBy === 'request' ? undefined : session?.template;
  }

  private async changed(session: Session, caller: Caller, asked: Timeouts): Promise<SessionView> {
    const { idleTimeoutMs, maxLifetimeMs } = asked;
    if (idleTimeoutMs === undefined && maxLifetimeMs === undefined) return this.views.show.of(session);
    const changed = await this.ports.store.change(session.id, caller, { idleTimeoutMs, maxLifetimeMs });
    if (changed === 'absent') throw notFound();
    if (typeof changed === 'string') throw refusalOf(changed);
    await this.annotate(changed);
    return this.views.show.of(changed);
  }

  /** The pod bears witness to the time-outs should the store lose its memory; the record is what counts until then. */
  private async annotate({ id, pod: named, idleTimeoutMs, maxLifetimeMs }: Session): Promise<void> {
    if (!named) return;
    const timeouts = { idleTimeoutMs, maxLifetimeMs };
    const seen = this.views.pods.find(named.uid);
    await annotateLatest(this.ports.runtime, named, seen, { timeouts }).catch((error: unknown) =>
      this.logger.warn(
        { event: 'pod.not-annotated', sessionId: id, error },
        'The pod does not know its new time-outs yet.',
      ),
    );
  }

  private async endRecord(id: SessionId, caller: Caller): Promise<boolean> {
    const outcome = await this.ports.store.end(id, caller);
    if (outcome === 'absent') return true;
    if (typeof outcome === 'string') throw refusalOf(outcome);
    return true;
  }
}

/** The record keeps the address while the pod is being deleted, which may take long; the pod may be gone before. */
function reachableAt(session: Session | undefined): string | undefined {
  return session?.state === 'ready' ? session.pod?.address : undefined;
}

/** What is left to read of a session without a pod: why it has none. */
async function* lastWords({ lastFailure }: Session): AsyncGenerator<Uint8Array> {
  if (lastFailure) yield await Promise.resolve(Buffer.from(`${lastFailure.reason}: ${lastFailure.message}\n`));
}
