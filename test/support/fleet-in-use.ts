import type { BerthProcess } from './berth-process.js';
import { expectProblem } from './answers.js';
import { eventually } from './eventually.js';
import { Fleet, type FleetOptions } from './fleet.js';
import type { Environment } from './launched.js';
import { Load, type LoadAnswer } from './load.js';
import { PodWitness } from './pod-witness.js';

const REPLICAS = 3;
/** Several of these run at once on a small machine; a case that is about the load says how much. */
const PER_SECOND = 24;
/** Their touch window is a second and a half. */
const SHORT_IDLE_SECONDS = 6;
const ADMIN = { subject: 'auditor', scope: 'berth:admin' };
const PATIENCE_MS = 40_000;

/** What has to be as it was, whatever becomes of the store. */
type Facts = Readonly<Record<string, unknown>>;

export interface FleetInUseOptions extends Omit<FleetOptions, 'replicas'> {
  perSecond?: number;
  /** What one of the replicas has for itself. */
  settingsOf?: (fleet: Fleet, at: number) => Promise<Environment>;
}

/**
 * Three replicas with twelve sessions in use on each of them all the time, half of which may be idle for a few seconds only, and some
 * at rest, of two owners and two generations. What comes of them is told by the answers of the load, by the lists of all
 * replicas, and by the API server.
 */
export class FleetInUse {
  readonly used = Array.from({ length: 12 }, (_, at) => `used-${at}`);
  /** Those that may be idle for a few seconds only: a replica meets each less often than its touch window is long. */
  readonly usedLittle = this.used.filter((_, at) => at % 2 === 1);
  /** Nobody uses them but a case that says so. */
  readonly atRest = ['rest-0', 'rest-1', 'rest-2', 'second-generation'];
  readonly bobs = ['bobs-0', 'bobs-1'];
  private opened = 0;
  private readonly load: Load;

  private constructor(
    readonly fleet: Fleet,
    readonly pods: PodWitness,
    perSecond: number,
  ) {
    this.load = new Load({ targets: () => this.targets(), sessions: this.used, perSecond });
  }

  /** Whom the load asks. */
  targets: () => readonly BerthProcess[] = () => this.replicas;

  static async start({ perSecond = PER_SECOND, settingsOf, ...options }: FleetInUseOptions = {}): Promise<FleetInUse> {
    const settings = { CLEANUP_INTERVAL_SECONDS: '1', ...options.settings };
    const fleet = await Fleet.start({ ...options, settings, replicas: 0 });
    for (let at = 0; at < REPLICAS; at += 1) await fleet.add(await settingsOf?.(fleet, at));
    const inUse = new FleetInUse(fleet, await PodWitness.of(fleet), perSecond);
    await fleet.untilLed();
    await inUse.openAll();
    return inUse;
  }

  async stop(): Promise<void> {
    await this.fleet.killAll();
    await this.load.stop();
    await this.pods.stop();
    await this.fleet.stop();
  }

  get replicas(): readonly BerthProcess[] {
    return this.fleet.replicas;
  }

  /** Every answer of the load to what was asked from before this happens until after it. */
  async underLoad(happens: () => Promise<void>): Promise<LoadAnswer[]> {
    await this.load.settle();
    const from = this.load.soFar.length;
    await this.untilAnswered();
    await happens();
    await this.untilAnswered();
    return this.load.soFar.slice(from);
  }

  /** Each session on each replica, from now on. */
  private async untilAnswered(): Promise<void> {
    const wanted = this.load.soFar.length + this.used.length * this.replicas.length;
    await eventually(() => expect(this.load.soFar.length).toBeGreaterThanOrEqual(wanted), PATIENCE_MS);
    await this.load.settle();
  }

  /** All sessions that were there at the start, as this replica lists them. */
  async known(by: BerthProcess = this.fleet.first): Promise<Facts[]> {
    const body = await eventually(async () => {
      const answer = await by.call('GET', '/api/v1/sessions?limit=500', { as: ADMIN });
      expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
      return answer.body;
    }, PATIENCE_MS);
    const ids = [...this.used, ...this.atRest, ...this.bobs];
    const sessions = (body.sessions as Facts[]).filter(({ id }) => ids.includes(id as string));
    return sessions.map(({ id, state, generation, owner, template, createdAt, pod, restarts }) => {
      return { id, state, generation, owner, template, createdAt, pod, restarts };
    });
  }

  /** From a moment on, in ms: each replica lists all as before and opens a new session, whose pod has its own time. */
  async untilWhole(before: readonly Facts[], sinceMs = performance.now()): Promise<number> {
    const opened = await Promise.all(
      this.replicas.map(async (replica) => {
        await eventually(async () => expect(await this.known(replica)).toEqual(before), PATIENCE_MS);
        const id = this.newId();
        await eventually(async () => expect((await replica.put(id)).status).toBe(201), PATIENCE_MS);
        return { replica, id };
      }),
    );
    const wholeAfterMs = performance.now() - sinceMs;
    for (const { replica, id } of opened) expect(await replica.execute(id, 0)).toMatchObject({ status: 200 });
    return wholeAfterMs;
  }

  /** A new session each time it is asked, as a client does who was refused. */
  async untilOpened(replica: BerthProcess): Promise<string> {
    const id = this.newId();
    await eventually(async () => expect((await replica.execute(id, 0)).status).toBe(200), PATIENCE_MS);
    return id;
  }

  /** A client of a new session is told when to come back, on each replica. */
  async expectNoneOpened(): Promise<void> {
    const answers = await Promise.all(this.replicas.map((replica) => replica.execute(this.newId(), 0)));
    for (const answer of answers) expectProblem(answer, 503, 'DEPENDENCY_UNAVAILABLE');
  }

  /** Sessions that may be idle for a few seconds, used just now; whoever is first to reap them does so soon. */
  async shortLived(count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => this.newId());
    await Promise.all(ids.map((id) => this.fleet.first.put(id, { idleTimeoutSeconds: SHORT_IDLE_SECONDS })));
    const answers = await Promise.all(ids.map((id) => this.fleet.first.execute(id, 0)));
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    return ids;
  }

  /** The leader ends what nobody uses, now: from here on it is only by what happens that it does not. */
  async untilReaping(): Promise<void> {
    const ids = await this.shortLived(1);
    const isReaped = (): boolean => ids.flatMap((id) => this.pods.podsOf(id)).every((name) => this.pods.isGone(name));
    await eventually(() => expect(isReaped()).toBe(true), PATIENCE_MS);
  }

  /** Each session still has the one pod that it had, and nobody ever meant to end it. */
  expectNoPodHarmed(ids: readonly string[] = [...this.used, ...this.atRest.slice(0, 3), ...this.bobs]): void {
    const seen = ids.map((id) => ({ id, pods: this.pods.podsOf(id).length, condemned: this.pods.condemnedOf(id) }));
    expect(seen).toEqual(ids.map((id) => ({ id, pods: 1, condemned: [] })));
  }

  private newId(): string {
    this.opened += 1;
    return `new-${this.opened}`;
  }

  private async openAll(): Promise<void> {
    const { first } = this.fleet;
    const ofAlice = this.atRest.map((id) => first.execute(id, 0));
    const answers = await Promise.all([...ofAlice, ...this.bobs.map((id) => first.execute(id, 0, { as: 'bob' }))]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await this.openAgain('second-generation');
    await Promise.all(this.usedLittle.map((id) => first.put(id, { idleTimeoutSeconds: SHORT_IDLE_SECONDS })));
    this.load.start();
    await this.untilAnswered();
  }

  private async openAgain(id: string): Promise<void> {
    const { first } = this.fleet;
    await first.end(id);
    await eventually(async () => {
      const answer = await first.execute(id, 0);
      expect(answer.headers['x-session-generation']).toBe('2');
    }, PATIENCE_MS);
  }
}
