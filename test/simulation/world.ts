import { Registry } from 'prom-client';

import { LifecycleMetrics } from '../../src/lifecycle/lifecycle.metrics.js';
import type { Session } from '../../src/lifecycle/session.js';
import type { SessionId } from '../../src/lifecycle/session-id.js';
import { templateSchema } from '../../src/lifecycle/templates/template.js';
import { Templates } from '../../src/lifecycle/templates/templates.js';
import { FakeLease } from '../support/fake-lease.js';
import { sessionId } from '../support/openings.js';
import { CHECKS, type PromiseName } from './checks/all-checks.js';
import type { Check, Delivery } from './checks/check.js';
import { Probes } from './clients/probes.js';
import { Workload } from './clients/workload.js';
import { AddressPool } from './cluster/address-pool.js';
import { SimulatedCluster } from './cluster/simulated-cluster.js';
import { Chance } from './engine/chance.js';
import { ServerClock } from './engine/simulated-process.js';
import { Story } from './engine/story.js';
import { VirtualTime } from './engine/virtual-time.js';
import { FaultPlan } from './faults/faults.js';
import { Network } from './replica/network.js';
import type { ClientRequest } from './replica/client-request.js';
import type { ReplicaRun } from './replica/replica-run.js';
import { SimulatedReplica } from './replica/simulated-replica.js';
import { type Setting, settingOf } from './setting.js';
import { SimulatedStore } from './store/simulated-store.js';
import type { Variant } from './variants/variant.js';

export interface Violation {
  promise: PromiseName;
  what: string;
  atMs: number;
}

export interface Outcome {
  seed: number;
  violation?: Violation;
  story: Story;
  steps: number;
  /** How requests ended, and how often. */
  outcomes: Readonly<Record<string, number>>;
}

const METRICS = new LifecycleMetrics(new Registry());
const LOOK_EVERY_MS = 1_000;
const SLICE_MS = 5_000;
/** Back-offs, a new leader, the longest idle timeout, and the calm before the reaper believes it. */
const AT_REST_WITHIN_MS = 240_000;

/** Everything there is in one seed's world, and its three acts: a busy time, the healing, and the rest afterwards. */
export class World {
  readonly time = new VirtualTime();
  readonly story = new Story(() => this.time.nowMs);
  readonly setting: Setting;
  readonly ids: readonly SessionId[];
  readonly metrics = METRICS;
  readonly templates: Templates;
  readonly network: Network;
  readonly lease = new FakeLease();
  readonly store: SimulatedStore;
  readonly cluster: SimulatedCluster;
  readonly replicas: readonly SimulatedReplica[];
  readonly workload: Workload;
  violation?: Violation;
  leaseRemovedAtMs = -Infinity;
  private readonly faults: FaultPlan;
  private readonly checks: readonly Check[];
  private readonly settling: readonly (() => void)[];
  private readonly records = new Map<SessionId, Session>();

  constructor(
    readonly seed: number,
    readonly variant?: Variant,
  ) {
    this.setting = settingOf(Chance.of(seed, 'setting'));
    const { setting, time, story } = this;
    this.ids = Array.from({ length: setting.ids }, (_, at) => sessionId(`s-${at + 1}`));
    this.network = new Network(Chance.of(seed, 'network'));
    const definitions = new Map([['default', templateSchema.parse({})]]);
    this.templates = new Templates(definitions, { ...setting, port: 80 });
    this.store = new SimulatedStore(new ServerClock(time), Chance.of(seed, 'store'), setting);
    this.cluster = new SimulatedCluster({
      ...{ time, story, chance: Chance.of(seed, 'cluster'), addresses: new AddressPool(setting.addresses) },
      manners: setting.pods,
      nowMs: () => this.store.serverClock.nowMs(),
    });
    this.replicas = Array.from({ length: setting.replicas }, (_, at) => new SimulatedReplica(`berth-${at + 1}`, this));
    this.workload = new Workload(this, Chance.of(seed, 'workload'));
    this.checks = this.makeChecks();
    this.settling = this.checks.flatMap((check) => (check.settled ? [() => check.settled?.()] : []));
    this.listen();
    this.faults = new FaultPlan(this, Chance.of(seed, 'faults'));
    variant?.breakWorld?.(this);
  }

  async run(): Promise<Outcome> {
    this.story.tell('world', described(this.setting));
    this.replicas.forEach((replica, at) => this.time.after(at * 300, () => replica.start()));
    this.lookLater();
    await this.pass(this.setting.busyMs);
    this.story.tell('world', 'all faults are over');
    this.faults.healAll();
    this.workload.hangUpAll();
    const probes = new Probes(this);
    await this.passUntil(() => probes.areAnswered, Infinity);
    this.story.tell('world', 'nobody comes any more');
    await this.passUntil(() => this.leftovers().length === 0, this.time.nowMs + AT_REST_WITHIN_MS);
    const [leftover] = this.leftovers();
    if (leftover) this.violated('when nobody comes any more nothing is left over', leftover);
    const { seed, violation, story, time } = this;
    return { seed, violation, story, steps: time.steps, outcomes: this.workload.outcomes() };
  }

  violated(promise: PromiseName, what: string): void {
    if (this.violation) return;
    this.violation = { promise, what, atMs: this.time.nowMs };
    this.story.tell('VIOLATED', `${promise}: ${what}`);
    this.time.stop();
  }

  delivered(delivery: Delivery): void {
    const { request, life, admission } = delivery;
    this.story.tell(request.name, `reaches pod ${life.uid} at ${admission.address}`);
    for (const check of this.checks) check.delivered?.(delivery);
  }

  requestEnded(request: ClientRequest): void {
    this.story.tell(request.name, `ends: ${request.outcome}`);
    for (const check of this.checks) check.requestEnded?.(request);
  }

  leaderAsked(run: ReplicaRun): void {
    for (const check of this.checks) check.leaderAsked?.(run);
  }

  replicaOf({ name }: ReplicaRun): SimulatedReplica {
    return this.replicas.find((replica) => name.startsWith(`${replica.name}.`))!;
  }

  private makeChecks(): readonly Check[] {
    const names = Object.keys(CHECKS) as (keyof typeof CHECKS)[];
    return names.map((name) => CHECKS[name](this, (what) => this.violated(name, what)));
  }

  private listen(): void {
    this.store.watch(
      (session) => this.recordChanged(session),
      () => undefined,
    );
    this.store.onMemoryLost(() => {
      this.records.clear();
      for (const session of this.store.all()) this.records.set(session.id, session);
      for (const check of this.checks) check.memoryLost?.();
    });
    this.cluster.deed = (_what, pod) => {
      for (const check of this.checks) check.podDeleted?.(pod);
    };
  }

  private recordChanged(after: Session): void {
    const known = this.records.get(after.id);
    const isForgotten = known?.forgetAtMs !== undefined && after.opening <= known.opening;
    const before = isForgotten ? undefined : known;
    this.records.set(after.id, after);
    if (!before || before.state !== after.state || before.generation !== after.generation || before.pod !== after.pod)
      this.story.tell('record', worded(after));
    for (const check of this.checks) check.recordChanged?.(after, before);
  }

  private lookLater(): void {
    this.time.after(LOOK_EVERY_MS, () => {
      for (const check of this.checks) check.looked?.();
      this.lookLater();
    });
  }

  private async pass(untilMs: number): Promise<void> {
    if (this.violation) return;
    await this.time.runUntil(untilMs, () => {
      for (const settled of this.settling) settled();
    });
  }

  private async passUntil(isDone: () => boolean, limitMs: number): Promise<void> {
    while (!this.violation && !isDone() && this.time.nowMs < limitMs) await this.pass(this.time.nowMs + SLICE_MS);
  }

  private leftovers(): readonly string[] {
    const left = this.store.all().flatMap((session) => (session.state === 'ended' ? [] : [worded(session)]));
    const pods = this.cluster.all();
    for (const pod of pods) {
      if (pod.assignment) left.push(`pod ${pod.uid} of ${pod.assignment.id}`);
      else if (pod.markedUntilMs !== undefined || pod.deleting) left.push(`warm pod ${pod.uid}`);
    }
    const warm = pods.filter(({ assignment }) => !assignment).length;
    if (warm !== this.setting.warmPoolSize) left.push(`${warm} warm pods instead of ${this.setting.warmPoolSize}`);
    return left;
  }
}

function worded({ id, state, generation, owner, pod, endedBy, lastFailure }: Session): string {
  const facts = [pod ? `pod ${pod.uid}` : '', pod?.address ?? '', endedBy ? `by ${endedBy}` : ''];
  const why = state === 'failed' || state === 'creating' ? (lastFailure?.reason ?? '') : '';
  return [`${id} is ${state}, generation ${generation} of ${owner.split('|').at(-1)}`, ...facts, why]
    .filter((fact) => fact !== '')
    .join(', ');
}

function described({ faults, ...setting }: Setting): string {
  return `${JSON.stringify({ ...setting, faults: faults.length > 2 ? 'all' : faults })}`;
}
