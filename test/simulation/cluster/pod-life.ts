import type { PodAssignment } from '../../../src/lifecycle/runtime/pod.js';
import type { Chance } from '../engine/chance.js';
import type { VirtualTime } from '../engine/virtual-time.js';

/** How pods behave in this world. */
export interface PodManners {
  /** From the order until the container runs. */
  startMs: readonly [number, number];
  /** How late the API server shows what has happened. */
  reportMs: readonly [number, number];
  /** How long a pod goes on answering after it was told to end. */
  graceMs: readonly [number, number];
}

/** What the node does with a pod, and when the API server hears of it. */
export interface Report {
  /** The sandbox is there: it has an address. */
  placed(address: string): void;
  ready(): void;
  /** The container ended by itself, for the so-and-so-many-th time in a row without a steady run. */
  crashed(shortRuns: number): void;
  /** The containers are gone and so is the address. */
  over(): void;
  /** It answers, whatever the API server knows. */
  listening(): void;
}

export interface LifeParts {
  time: VirtualTime;
  chance: Chance;
  manners: PodManners;
  addresses: { take(): string; giveBack(address: string): void };
  report: Report;
}

const STEADY_AFTER_MS = 60_000;

/** The life of a pod on its node: that which answers requests, whatever the API server says of it. */
export class PodLife {
  address?: string;
  /** Who it takes itself for; a warm one is told with its first session. */
  assignment?: PodAssignment;
  run = 0;
  /** Its node cannot be reached: nothing answers, and nothing says so. */
  isLost = false;
  isOver = false;
  private isUp = false;
  private isEnding = false;
  private upSinceMs = 0;
  private shortRuns = 0;
  private readonly connections = new Set<() => void>();

  constructor(
    readonly uid: string,
    readonly node: string,
    private readonly parts: LifeParts,
  ) {}

  get isListening(): boolean {
    return this.isUp && !this.isLost;
  }

  begin(withinMs: readonly [number, number]): void {
    const { time, chance, addresses, report } = this.parts;
    time.after(chance.between(...withinMs), () => {
      if (this.isOver || this.isEnding) return;
      const address = addresses.take();
      this.address = address;
      time.after(this.lagMs(), () => report.placed(address));
      this.comeUpAfter(chance.between(20, 400));
    });
  }

  /** Breaks when the container ends. Returns how to close it. */
  connect(broken: () => void): () => void {
    this.connections.add(broken);
    return () => this.connections.delete(broken);
  }

  /** The container ends by itself and is started again, unless the pod is ending. */
  crash(): void {
    if (!this.isUp || this.isEnding) return;
    const { time, chance, report } = this.parts;
    this.shortRuns = time.nowMs - this.upSinceMs < STEADY_AFTER_MS ? this.shortRuns + 1 : 1;
    this.goDown();
    this.run += 1;
    const { shortRuns } = this;
    time.after(this.lagMs(), () => report.crashed(shortRuns));
    this.comeUpAfter(this.lagMs() + chance.between(200, 4_000) * shortRuns);
  }

  /** SIGTERM, and what is not done by the end of the grace is killed. */
  end(): void {
    if (this.isEnding || this.isOver) return;
    this.isEnding = true;
    if (this.isLost) return;
    const { time, chance, manners } = this.parts;
    time.after(this.lagMs() + chance.between(...manners.graceMs), () => this.vanish());
  }

  /** At once: evicted, or its node is no more. */
  vanish(): void {
    if (this.isOver) return;
    this.isEnding = true;
    this.isOver = true;
    this.goDown();
    if (this.address !== undefined) this.parts.addresses.giveBack(this.address);
    this.parts.time.after(this.parts.chance.between(1, 300), () => this.parts.report.over());
  }

  private comeUpAfter(ms: number): void {
    this.parts.time.after(ms, () => {
      if (this.isOver || this.isEnding) return;
      this.isUp = true;
      this.upSinceMs = this.parts.time.nowMs;
      const { run } = this;
      this.parts.report.listening();
      this.parts.time.after(this.lagMs(), () => run === this.run && this.isUp && this.parts.report.ready());
    });
  }

  private goDown(): void {
    this.isUp = false;
    for (const broken of [...this.connections]) broken();
    this.connections.clear();
  }

  private lagMs(): number {
    return this.parts.chance.between(...this.parts.manners.reportMs);
  }
}
