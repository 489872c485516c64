import { LeaseLeadership } from '../../../src/leadership/lease/lease-leadership.js';
import { carryOut } from '../../../src/gateway/proxy/attempts.js';
import { GatewayError } from '../../../src/gateway/problem.js';
import { isOutage, LifecycleError } from '../../../src/lifecycle/lifecycle.errors.js';
import { Lifecycle, type LifecycleParts } from '../../../src/lifecycle/lifecycle.js';
import type { Sessions } from '../../../src/lifecycle/sessions.js';
import { pause } from '../../../src/platform/clock.js';
import type { ClusterLink } from '../cluster/cluster-link.js';
import type { SimulatedProcess } from '../engine/simulated-process.js';
import type { StoreLink } from '../store/store-link.js';
import type { World } from '../world.js';
import type { ClientRequest } from './client-request.js';
import { PodErrand, WayToPod } from './pod-errand.js';

export interface RunParts {
  world: World;
  process: SimulatedProcess;
  store: StoreLink;
  runtime: ClusterLink;
  leadership: LeaseLeadership;
  parts: LifecycleParts;
}

const PROBE_EVERY_MS = 1_000;
/** The part of the drain time for which requests are still held. */
const HOLD_FOR = 0.8;
const ENDPOINTS_MS = 2_000;

/** One run of the program: the product's own core between a gateway without HTTP and links that are faulty. */
export class ReplicaRun {
  readonly world: World;
  readonly process: SimulatedProcess;
  readonly store: StoreLink;
  readonly runtime: ClusterLink;
  readonly leadership: LeaseLeadership;
  readonly lifecycle: Lifecycle;
  readonly inFlight = new Set<ClientRequest>();
  sessions: Sessions;
  /** The Service sends requests here. */
  isInService = false;
  isDraining = false;
  private hasSynced = false;
  private readonly ways = new Map<string, WayToPod>();

  constructor({ world, process, store, runtime, leadership, parts }: RunParts) {
    this.world = world;
    this.process = process;
    this.store = store;
    this.runtime = runtime;
    this.leadership = leadership;
    this.lifecycle = new Lifecycle(parts);
    this.sessions = this.lifecycle.sessions;
    process.onDeath(() => this.died());
    store.leaderAsked = () => world.leaderAsked(this);
  }

  get name(): string {
    return this.process.name;
  }

  /** Its tasks run and have not been told to return. */
  get isActingAsLeader(): boolean {
    const { whileLeading } = this.lifecycle['driver'];
    return whileLeading !== undefined && !whileLeading.aborted;
  }

  start(): void {
    this.lifecycle.start();
    this.sessions.onPodGone((address) => this.podGone(address));
    void this.leadership.start();
    void this.probe();
  }

  /** A client's request arrives. */
  serve(request: ClientRequest): void {
    request.run = this;
    request.acceptedAtMs = this.world.time.nowMs;
    this.inFlight.add(request);
    request.onOver(() => this.inFlight.delete(request));
    this.process.deliver(() => void this.answer(request));
  }

  wayTo(address: string): WayToPod {
    const way = this.ways.get(address) ?? new WayToPod();
    this.ways.set(address, way);
    return way;
  }

  /** As on SIGTERM: the steps and their order are those of `shutdown.ts`. */
  async stop(drainMs: number): Promise<void> {
    const { clock } = this.process;
    this.isDraining = true;
    this.world.time.after(ENDPOINTS_MS / 2, () => (this.isInService = false));
    await pause(clock, ENDPOINTS_MS);
    await this.drain(drainMs);
    await this.leadership.stop();
    await this.lifecycle.stop();
    this.process.kill();
  }

  private async drain(drainMs: number): Promise<void> {
    const { clock } = this.process;
    const turnAway = clock.after(drainMs * HOLD_FOR, () => this.lifecycle.turnAwayHeld());
    const untilMs = clock.monotonicMs() + drainMs;
    while (this.inFlight.size > 0 && clock.monotonicMs() < untilMs) await pause(clock, 250);
    turnAway.cancel();
    for (const request of [...this.inFlight]) request.end('cut at the stop', this.world.time.nowMs);
  }

  private async answer(request: ClientRequest): Promise<void> {
    const outcome = await this.outcomeOf(request).catch((error: unknown) => this.refusal(request, error));
    request.end(outcome, this.world.time.nowMs);
  }

  private async outcomeOf(request: ClientRequest): Promise<string> {
    const { id, caller, wish } = request;
    switch (wish.call) {
      case 'execute':
        await carryOut(new PodErrand(request, this));
        return '200';
      case 'put':
        return (await this.sessions.open(id, caller, timeoutsOf(wish))).opened ? '201' : '200';
      case 'delete':
        return this.sessions.end(id, caller).then(() => '204');
      case 'keepalive':
        return (await this.sessions.keepalive(id, caller)).state;
      case 'status':
        return (await this.sessions.status(id, caller)).state;
    }
  }

  private refusal(request: ClientRequest, error: unknown): string {
    if (error instanceof LifecycleError || error instanceof GatewayError) return error.code;
    if (isOutage(error)) return 'DEPENDENCY_UNAVAILABLE';
    this.world.violated('every refusal is a known one', `${request.name} ended with ${String((error as Error).stack)}`);
    return 'INTERNAL';
  }

  /** The kubelet's probe, and what the Service makes of it. */
  private async probe(): Promise<void> {
    const { clock } = this.process;
    for (;;) {
      const isReady = !this.isDraining && (await this.isReady());
      if (isReady !== this.isInService && !this.isDraining) {
        this.world.time.after(this.world.network.packetMs() * 100, () => {
          this.isInService = isReady && !this.isDraining && !this.process.isDead;
        });
      }
      await pause(clock, PROBE_EVERY_MS);
    }
  }

  /** As `Readiness` in src/health. */
  private async isReady(): Promise<boolean> {
    this.hasSynced ||= await this.lifecycle.isSynced();
    return this.hasSynced && !(await this.lifecycle.isCutOff());
  }

  /** As the product's `PodConnections`: nothing new goes there, and what is open gets the drain time. */
  private podGone(address: string): void {
    const way = this.ways.get(address);
    if (!way) return;
    this.ways.delete(address);
    way.isGone = true;
    this.process.clock.after(this.world.setting.drainMs, () => {
      for (const cut of [...way.cuts]) cut();
    });
  }

  private died(): void {
    this.isInService = false;
    for (const request of [...this.inFlight]) request.end('the replica died', this.world.time.nowMs);
  }
}

function timeoutsOf({ idleTimeoutMs, maxLifetimeMs }: { idleTimeoutMs?: number; maxLifetimeMs?: number }) {
  return {
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(maxLifetimeMs !== undefined && { maxLifetimeMs }),
  };
}
