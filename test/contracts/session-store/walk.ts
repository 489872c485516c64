import type { Session, Timeouts } from '../../../src/lifecycle/session.js';
import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { Ref, SessionStore } from '../../../src/lifecycle/store/session-store.js';
import { opening, sessionId } from '../../support/openings.js';
import { podOf } from '../../support/pods.js';
import type { Pace, StoreHarness } from './harness.js';
import type { Knowledge, Operation } from './operations.js';
import { crash, death, hopeless, ref } from './stage.js';

type Of<Name extends Operation['op']> = Extract<Operation, { op: Name }>;

/** Takes one store through a sequence of operations and hands out its answers. */
export class Walk {
  readonly store: SessionStore;
  readonly startedAtMs: number;
  private passedMs = 0;
  private uids = 0;

  constructor(
    readonly harness: StoreHarness,
    private readonly pace: Pace,
  ) {
    this.store = harness.store;
    this.startedAtMs = this.store.nowMs();
  }

  async perform(operation: Operation): Promise<unknown> {
    switch (operation.op) {
      case 'enter':
        return this.enter(operation);
      case 'carryOn':
        return this.carryOn(operation);
      case 'list':
        return this.list(operation);
      case 'due':
        return this.due();
      case 'pass':
        return this.pass(operation.units);
      case 'loseMemoryAndImport':
        return this.loseMemoryAndImport();
      case 'endUnder':
        return this.endUnder(operation);
      case 'end':
        return this.store.end(sessionId(operation.id), operation.by);
      case 'change':
        return this.store.change(sessionId(operation.id), operation.by, this.inMs(operation.timeouts));
      case 'tryStart':
      case 'reap':
      case 'touch':
      case 'namePod':
      case 'markReady':
      case 'replace':
      case 'fail':
      case 'postpone':
      case 'finish':
      case 'isNamed':
        return this.changeOf(operation, await this.find(operation.id));
    }
  }

  /** Calls take time on a real clock, and many take much: the other then goes along, as if they had on its own. */
  async keepUpWith({ store, startedAtMs }: Walk): Promise<void> {
    const behindMs = store.nowMs() - startedAtMs - (this.store.nowMs() - this.startedAtMs);
    if (behindMs > 0) await this.harness.advance(behindMs);
  }

  /** Every record, those that have ended too. */
  async records(): Promise<Session[]> {
    const page = await this.store.list({ limit: 1_000 });
    const ended = await this.store.list({ limit: 1_000, state: 'ended' });
    return [...page.sessions, ...ended.sessions];
  }

  private async find(id: string): Promise<Session | undefined> {
    return this.store.find(sessionId(id));
  }

  private enter({ id, by, asked, heldFor }: Of<'enter'>): Promise<unknown> {
    const otherwise = { idleTimeoutMs: this.ms(4 + this.offGrid) };
    const asks = opening({ ...asked, ...this.inMs(asked) }, otherwise);
    return this.store.enter(sessionId(id), by, { ...asks, heldFor });
  }

  /** What whoever cares for this session would do next; without it, sequences would hardly ever reach a ready one. */
  private async carryOn({ id, by, address }: Of<'carryOn'>): Promise<unknown> {
    const session = await this.find(id);
    if (session === undefined || session.state === 'ended') return this.enter({ op: 'enter', id, by, asked: {} });
    if (session.state === 'failed' || session.state === 'ready') return this.store.reap(ref(session));
    if (session.state === 'terminating') return this.store.finish(ref(session), 'none');
    if (session.pod) return this.store.markReady(ref(session), address);
    return this.store.namePod(ref(session), this.newPod(session));
  }

  /** It ends while a request of the same caller is held, which then asks once more. */
  private async endUnder({ id, by }: Of<'endUnder'>): Promise<unknown> {
    const heldFor = (await this.find(id))?.opening;
    await this.store.end(sessionId(id), by);
    return this.enter({ op: 'enter', id, by, asked: {}, heldFor });
  }

  private async changeOf(operation: Extract<Operation, { knows: Knowledge }>, truth?: Session): Promise<unknown> {
    const compared = believed(operation.id, operation.knows, truth);
    switch (operation.op) {
      case 'tryStart':
        return this.store.tryStart(compared);
      case 'reap':
        return this.store.reap(compared);
      case 'touch':
        return this.store.touch([{ ...compared, requests: 2 }]);
      case 'namePod':
        return truth === undefined ? 'no pod' : this.store.namePod(compared, this.podFor(truth, operation.again));
      case 'markReady':
        return this.store.markReady(compared, operation.address);
      case 'replace':
        return this.store.replace(compared, operation.crashed ? crash : death, this.ms(operation.startAfter));
      case 'fail':
        return this.store.fail(compared, hopeless, this.ms(operation.backOff));
      case 'postpone':
        return this.store.postpone(compared, this.ms(operation.by));
      case 'finish':
        return this.store.finish(compared, operation.pods);
      case 'isNamed': {
        if (truth === undefined) return 'no pod';
        const { generation, uid = 'uid-of-nobody' } = compared;
        return this.store.isNamed(podOf({ ...truth, generation }, { uid }));
      }
    }
  }

  private async list({ op: _, ...filter }: Of<'list'>): Promise<unknown> {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.store.list({ ...filter, cursor });
      ids.push(...page.sessions.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== undefined && ids.length < 1_000);
    return ids;
  }

  /** Two that are due at the same moment may come in either order. */
  private async due(): Promise<unknown> {
    const { sessions, nextInMs } = await this.store.due(1_000);
    return { ids: sessions.map(({ id }) => id).sort(), nextInMs };
  }

  /** Up to a moment counted from the start, so that what each call takes does not add up. */
  private async pass(units: number): Promise<void> {
    this.passedMs += this.ms(units);
    await this.harness.advance(Math.max(0, this.startedAtMs + this.passedMs - this.store.nowMs()));
  }

  /** The pods outlive the store's memory: each is what its record said of it. */
  private async loseMemoryAndImport(): Promise<unknown> {
    const living = (await this.records()).filter(
      ({ state, pod }) => pod && (state === 'ready' || state === 'creating'),
    );
    await this.harness.loseMemory();
    const token = await this.store.beginImport();
    if (token === 'not-needed') throw new Error('the store has lost its memory and does not know it');
    const answers: string[] = [];
    for (const session of living) answers.push(await this.store.importPod(token, this.shown(session)));
    answers.push(await this.store.finishImport(token, new Set(living.map(({ pod }) => pod?.uid ?? ''))));
    return answers;
  }

  private shown(session: Session): Pod {
    const { uid, name, address } = session.pod ?? {};
    return podOf(session, { uid, name, address, phase: session.state === 'ready' ? 'ready' : 'starting' });
  }

  private podFor(session: Session, again: boolean): Pod {
    return again && session.pod ? podOf(session, { uid: session.pod.uid }) : this.newPod(session);
  }

  private newPod(session: Session): Pod {
    return podOf(session, { uid: `uid-${++this.uids}` });
  }

  private get offGrid(): number {
    return offGrid(this.pace);
  }

  private ms(units: number): number {
    return units * this.pace.unitMs;
  }

  private inMs({ idleTimeoutMs, maxLifetimeMs }: Timeouts): Timeouts {
    return {
      ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs: this.ms(idleTimeoutMs) }),
      ...(maxLifetimeMs === undefined ? {} : { maxLifetimeMs: this.ms(maxLifetimeMs) }),
    };
  }
}

/** Half a unit on a real clock; a virtual one can afford to meet the borders exactly. */
export function offGrid(pace: Pace): number {
  return pace.marginMs > 1 ? 0.5 : 0;
}

function believed(id: string, knows: Knowledge, truth: Session | undefined): Ref {
  if (truth === undefined) return { id: sessionId(id), generation: 1 };
  switch (knows) {
    case 'the truth':
      return ref(truth);
    case 'no uid':
      return { id: truth.id, generation: truth.generation };
    case 'an earlier generation':
      return { ...ref(truth), generation: truth.generation - 1 };
    case 'another pod':
      return { ...ref(truth), uid: 'uid-of-another-pod' };
  }
}
