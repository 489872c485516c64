import type { Caller, Failure, Opening, Session } from '../../../src/lifecycle/session.js';
import type { SessionId } from '../../../src/lifecycle/session-id.js';
import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type {
  ImportToken,
  PodDeath,
  Ref,
  SessionStore,
  StoreLimits,
} from '../../../src/lifecycle/store/session-store.js';
import { alice, opening, sessionId } from '../../support/openings.js';
import { podOf } from '../../support/pods.js';
import type { Pace, StoreHarness } from './harness.js';

export type Given = (limits?: Partial<StoreLimits>) => Promise<Stage>;

export interface Opened {
  by?: Caller;
  asked?: Opening['asked'];
  otherwise?: Partial<Opening['otherwise']>;
  /** The opening that this request was held for. */
  heldFor?: number;
}

export const death: PodDeath = { reason: 'Evicted', message: 'The node was low on memory.', atMs: 1, crashed: false };
export const crash: PodDeath = { reason: 'CrashLoopBackOff', message: 'exit code 1', atMs: 2, crashed: true };
export const hopeless: Failure = { reason: 'ImagePullBackOff', message: 'no such image', atMs: 3 };

/** A store under test and the ways to bring a session to where a case begins. Every step fails unless it succeeds. */
export class Stage {
  readonly store: SessionStore;
  private addresses = 0;
  private uids = 0;

  constructor(
    readonly harness: StoreHarness,
    readonly pace: Pace,
    readonly limits: StoreLimits,
  ) {
    this.store = harness.store;
  }

  units(count: number): number {
    return count * this.pace.unitMs;
  }

  get idleTimeoutMs(): number {
    return this.units(4);
  }

  async pass(ms: number): Promise<void> {
    await this.harness.advance(ms);
  }

  /** To this moment of the store's clock, surely not before it. */
  async passUntil(atMs: number | undefined): Promise<void> {
    await this.pass(Math.max(0, this.fromNow(atMs) + this.pace.marginMs - 1));
  }

  /** To shortly before this moment, surely not to it. */
  async passUntilJustBefore(atMs: number | undefined): Promise<void> {
    const ms = this.fromNow(atMs) - this.pace.marginMs;
    expect(ms).toBeGreaterThanOrEqual(0);
    await this.pass(ms);
  }

  expectTime(actualMs: number | undefined, expectedMs: number): void {
    const toleranceMs = this.pace.marginMs - 1;
    expect(actualMs).toBeGreaterThanOrEqual(expectedMs - toleranceMs);
    expect(actualMs).toBeLessThanOrEqual(expectedMs + toleranceMs);
  }

  opening(asked: Opening['asked'] = {}, otherwise: Partial<Opening['otherwise']> = {}): Opening {
    return opening(asked, { idleTimeoutMs: this.idleTimeoutMs, ...otherwise });
  }

  /** A plain request, which asks for nothing. */
  enter(id: string, { by = alice, asked, otherwise, heldFor }: Opened = {}): ReturnType<SessionStore['enter']> {
    return this.store.enter(sessionId(id), by, { ...this.opening(asked, otherwise), heldFor });
  }

  /** A copy, so that comparing with it later says whether the record has changed. */
  async find(id: string): Promise<Session | undefined> {
    return structuredClone(await this.store.find(sessionId(id)));
  }

  async truth(id: string): Promise<Session> {
    const session = await this.find(id);
    if (session === undefined) throw new Error(`there is no record of ${id}`);
    return session;
  }

  async opened(id: string, how: Opened = {}): Promise<Session> {
    const entered = await this.enter(id, how);
    if (typeof entered === 'string') throw new Error(`opening ${id} was refused: ${entered}`);
    expect(entered.outcome).toBe('opened');
    return structuredClone(entered.session);
  }

  /** creating, its pod named. */
  async named(id: string, how: Opened = {}): Promise<Session> {
    return this.withPod(await this.opened(id, how));
  }

  async withPod(creating: Session, facts: Partial<Pod> = {}): Promise<Session> {
    expect(await this.store.namePod(ref(creating), this.newPod(creating, facts))).toBe('named');
    return this.truth(creating.id);
  }

  async ready(id: string, how: Opened & { address?: string } = {}): Promise<Session> {
    return this.madeReady(await this.opened(id, how), how.address);
  }

  /** Carries a session in creating on to ready, at an address that nobody has had. */
  async madeReady(creating: Session, address = `10.0.0.${++this.addresses}:8080`): Promise<Session> {
    const named = creating.pod === undefined ? await this.withPod(creating) : creating;
    expect(await this.store.markReady(ref(named), address)).toBe('ready');
    return this.truth(creating.id);
  }

  async failed(id: string, how: Opened & { backOffMs?: number } = {}): Promise<Session> {
    const session = await this.named(id, how);
    expect(await this.store.fail(ref(session), hopeless, how.backOffMs ?? this.units(2))).toBe('failed');
    return this.truth(id);
  }

  async healing(id: string, how: Opened = {}): Promise<Session> {
    const replaced = await this.store.replace(ref(await this.ready(id, how)), death, 0);
    if ('moved' in replaced) throw new Error(`${id} was not replaced`);
    return replaced;
  }

  /** In use without a request, as by the heartbeat of what is open. */
  async touched(id: string): Promise<Session> {
    const touch = { ...ref(await this.truth(id)), requests: 0 };
    expect(await this.store.touch([touch])).toEqual(['touched']);
    return this.truth(id);
  }

  /** terminating because nobody used it. */
  async reaped(id: string, how: Opened = {}): Promise<Session> {
    await this.ready(id, how);
    return this.reapedWhenDue(id);
  }

  async reapedWhenDue(id: string): Promise<Session> {
    const session = await this.truth(id);
    await this.passUntil(session.dueAtMs);
    expect(await this.store.reap(ref(session))).toBe('terminating');
    return this.truth(id);
  }

  /** terminating by request. */
  async stopped(id: string, how: Opened = {}): Promise<Session> {
    await this.ready(id, how);
    return this.stoppedAsItIs(id);
  }

  async stoppedAsItIs(id: string): Promise<Session> {
    const { owner } = await this.truth(id);
    expect(await this.store.end(sessionId(id), { owner, isAdmin: false, scopes: [] })).toMatchObject({
      state: 'terminating',
    });
    return this.truth(id);
  }

  async finished(terminating: Session, pods: 'left' | 'none' = 'none'): Promise<Session> {
    expect(await this.store.finish(ref(terminating), pods)).toBe('ended');
    return this.truth(terminating.id);
  }

  /** ended by request, no pod of it left. */
  async ended(id: string, how: Opened = {}): Promise<Session> {
    return this.finished(await this.stopped(id, how));
  }

  /** A pod for this session with a uid that no other pod has. */
  newPod(session: Session, facts: Partial<Pod> = {}): Pod {
    return podOf(session, { uid: `uid-${++this.uids}`, ...facts });
  }

  /** The pod of a session as the runtime shows it: to be reached at its address, or still starting. */
  livingPodOf(session: Session, facts: Partial<Pod> = {}): Pod {
    if (session.pod === undefined) throw new Error(`no pod of ${session.id} is named`);
    const { name, uid, address, node } = session.pod;
    return podOf(session, { name, uid, address, node, phase: address === undefined ? 'starting' : 'ready', ...facts });
  }

  async importing(): Promise<ImportToken> {
    const token = await this.store.beginImport();
    if (token === 'not-needed') throw new Error('the store has not lost its memory');
    return token;
  }

  /** A whole import that finds these pods, all of them alive. */
  async imported(pods: readonly Pod[]): Promise<void> {
    const token = await this.importing();
    for (const pod of pods) expect(await this.store.importPod(token, pod)).toBe('imported');
    expect(await this.store.finishImport(token, new Set(pods.map(({ uid }) => uid)))).toBe('usable');
  }

  private fromNow(atMs: number | undefined): number {
    if (atMs === undefined) throw new Error('this moment never comes');
    return atMs - this.store.nowMs();
  }
}

/** What a change compares, taken from what is true. */
export function ref(session: Session): Ref {
  return { id: session.id, generation: session.generation, uid: session.pod?.uid };
}

export function idOf(text: string): SessionId {
  return sessionId(text);
}

/** The compare failed, and the answer is what the store holds. */
export async function expectMoved(stage: Stage, id: string, answer: unknown): Promise<void> {
  expect(answer).toEqual({ moved: await stage.find(id) });
}
