import { LeaseLeadership } from '../../../src/leadership/lease/lease-leadership.js';
import { StoreUnavailable } from '../../../src/lifecycle/lifecycle.errors.js';
import { Logger } from '../../../src/platform/logger.js';
import type { LogFields } from '../../../src/platform/logger.js';
import { ClusterLink, runtimeUnavailable } from '../cluster/cluster-link.js';
import type { WatchWay } from '../cluster/pod-feed.js';
import { Chance } from '../engine/chance.js';
import { Link, openWay } from '../engine/link.js';
import { type ClockFacts, SimulatedProcess } from '../engine/simulated-process.js';
import { ChangeNews, type Hearing } from '../store/change-news.js';
import { StoreLink } from '../store/store-link.js';
import type { World } from '../world.js';
import { LeaseLink } from './lease-link.js';
import { ReplicaRun } from './replica-run.js';

/** As the product's connections are set. */
const STORE_ANSWERS_WITHIN_MS = 2_000;
const API_ANSWERS_WITHIN_MS = 10_000;
const LEASE_ANSWERS_WITHIN_MS = 5_000;

/** One replica on its machine: the ways from there, its clock, and the runs of the program one after the other. */
export class SimulatedReplica {
  readonly storeWay = openWay();
  readonly apiWay = openWay();
  readonly hearing: Hearing = { loss: 0, slowMs: 0, goodSinceMs: -Infinity };
  readonly watchWay: WatchWay = { isFrozen: false, goodSinceMs: -Infinity };
  readonly clockFacts: ClockFacts;
  run?: ReplicaRun;
  private starts = 0;
  private readonly chance: Chance;

  constructor(
    readonly name: string,
    readonly world: World,
  ) {
    this.chance = Chance.of(world.seed, `replica ${name}`);
    const { chance } = this;
    this.clockFacts = { rate: 1 + chance.between(-1, 1) / 10_000, skewMs: 0, upMs: chance.between(0, 1e6) };
  }

  start(): void {
    const name = `${this.name}.${(this.starts += 1)}`;
    this.world.story.tell(name, 'starts');
    const process = new SimulatedProcess(name, this.world.time, { ...this.clockFacts });
    this.clockFacts.upMs += 1_000;
    this.run = this.makeRun(process);
    this.world.variant?.breakRun?.(this.run, this.world);
    this.run.start();
  }

  crash(): void {
    if (!this.run || this.run.process.isDead) return;
    this.world.story.tell(this.run.name, 'DIES');
    this.run.process.kill();
  }

  /** Sees its own clock; the wall clock may be set while it runs. */
  setWallClock(skewMs: number): void {
    this.clockFacts.skewMs = skewMs;
    this.run?.process.setWallClock(skewMs);
  }

  private makeRun(process: SimulatedProcess): ReplicaRun {
    const { world } = this;
    const logger = new StoryLogger(process, world);
    const store = this.storeLink(process);
    const runtime = this.clusterLink(process, logger);
    const leadership = this.leadership(process, logger);
    const parts = {
      store,
      runtime,
      leadership,
      templates: world.templates,
      timing: world.setting,
      metrics: world.metrics,
      timers: { after: (_name: string, ms: number, run: () => void) => process.clock.after(ms, run) },
      clock: process.clock,
      logger,
    };
    return new ReplicaRun({ world, process, store, runtime, leadership, parts });
  }

  private storeLink(process: SimulatedProcess): StoreLink {
    const { world, chance, storeWay: way, hearing } = this;
    const { time, store: server } = world;
    const tell = (what: string): void => world.story.tell(process.name, what);
    const unavailable = (why: string): Error => new StoreUnavailable(why);
    const deadlineMs = STORE_ANSWERS_WITHIN_MS;
    const link = new Link({ name: 'store', time, process, chance, way, deadlineMs, unavailable, tell });
    const news = new ChangeNews({ server, link, process, time, chance, hearing, tell });
    return new StoreLink({ server, link, process, way, news, nowMs: () => time.nowMs });
  }

  private clusterLink(process: SimulatedProcess, logger: Logger): ClusterLink {
    const { world, chance, apiWay: way, watchWay } = this;
    const { time, cluster } = world;
    const link = new Link({
      ...{ name: 'api', time, process, chance, way, deadlineMs: API_ANSWERS_WITHIN_MS },
      unavailable: runtimeUnavailable,
      tell: (what) => world.story.tell(process.name, what),
    });
    return new ClusterLink({ cluster, link, process, time, chance, watchWay, logger });
  }

  private leadership(process: SimulatedProcess, logger: Logger): LeaseLeadership {
    const { world, chance, apiWay: way } = this;
    const { time, lease, setting } = world;
    const link = new Link({
      ...{ name: 'lease', time, process, chance, way, deadlineMs: LEASE_ANSWERS_WITHIN_MS },
      unavailable: (why) => new Error(why),
      tell: (what) => world.story.tell(process.name, what),
    });
    const lock = new LeaseLink({ lease, link, process, time });
    const { clock, name: identity } = process;
    return new LeaseLeadership({ lock, identity, durations: setting.lease, clock, randomness: chance, logger });
  }
}

/** What the program logs becomes part of the story; an error that nobody foresaw is a fault of the program. */
class StoryLogger extends Logger {
  constructor(
    private readonly process: SimulatedProcess,
    private readonly world: World,
  ) {
    super();
  }

  debug(): void {}

  info(fields: LogFields, sentence?: string): void {
    this.world.story.tell(this.process.name, worded(fields, sentence));
  }

  warn(fields: LogFields, sentence?: string): void {
    this.world.story.tell(this.process.name, worded(fields, sentence));
  }

  error(fields: LogFields, sentence?: string): void {
    const text = worded(fields, sentence);
    this.world.story.tell(this.process.name, text);
    // Tasks that wait for an answer of the API server return when it comes, or its deadline.
    if (fields.event === 'leader.tasks-late') return;
    const { stack } = (fields.error ?? {}) as Error;
    this.world.violated('nothing fails for an unknown reason', `${this.process.name}: ${text} ${stack ?? ''}`);
  }
}

function worded({ event, error, ...fields }: LogFields, sentence = ''): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  const why = error instanceof Error ? `(${error.message})` : '';
  return ['logs', event, ...facts, sentence, why].filter((part) => part !== '').join(' ');
}
