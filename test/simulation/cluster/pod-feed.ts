import { KubernetesError } from '../../../src/platform/kubernetes/kubernetes-errors.js';
import { Outage } from '../../../src/platform/kubernetes/outage.js';
import type { Timer } from '../../../src/platform/clock.js';
import type { Logger } from '../../../src/platform/logger.js';
import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { Hearing, PodWatch } from '../../../src/lifecycle/runtime/session-runtime.js';
import type { Chance } from '../engine/chance.js';
import type { Link } from '../engine/link.js';
import type { SimulatedProcess } from '../engine/simulated-process.js';
import type { VirtualTime } from '../engine/virtual-time.js';
import type { SimulatedCluster } from './simulated-cluster.js';

/** How the watch of one replica fares. */
export interface WatchWay {
  /** Open, and nothing comes. */
  isFrozen: boolean;
  /** When it last came to be as it should; Infinity while it is not. */
  goodSinceMs: number;
}

export interface FeedParts {
  cluster: SimulatedCluster;
  link: Link;
  process: SimulatedProcess;
  time: VirtualTime;
  chance: Chance;
  watchWay: WatchWay;
  logger: Logger;
  /** As this replica sees a pod. */
  sight: (pod: Pod) => Pod;
}

/** As in the product's `ObjectWatch`. */
const WATCH_MS = 30_000;
const SILENCE_MS = 45_000;

/**
 * One replica's watch of the pods: a list, then every change in order, late. Each watch is ended in order after 30 s; one
 * that froze is cut after 45 s, one whose connection breaks at once, and then all is listed again.
 */
export class PodFeed implements PodWatch {
  private readonly shown = new Map<string, Pod>();
  private readonly outage: Outage;
  private heardAtMs?: number;
  private openedAtMs = 0;
  /** All was listed, and a watch is open since; what comes through it is another matter. */
  isListed = false;
  private isFollowing = false;
  private isStopped = false;
  private watches = 0;
  private lastMs = 0;
  private renewal?: Timer;
  private held: (() => void)[] = [];
  private readonly unsubscribe: () => void;

  constructor(
    private readonly parts: FeedParts,
    private readonly changed: (pod: Pod, gone: boolean) => void,
  ) {
    const { process, logger, cluster, chance } = parts;
    this.outage = new Outage('pods', { clock: process.clock, randomness: chance, logger });
    this.unsubscribe = cluster.watch((pod, gone) => this.carry(pod, gone));
    parts.process.onDeath(() => this.unsubscribe());
    void this.list();
  }

  ageMs(): number | 'unsynced' {
    return this.heardAtMs === undefined ? 'unsynced' : this.parts.process.clock.monotonicMs() - this.heardAtMs;
  }

  hearing(): Hearing {
    return { trouble: this.outage.trouble(), unbrokenMs: this.outage.unbrokenMs() };
  }

  stop(): Promise<void> {
    this.isStopped = true;
    this.unsubscribe();
    this.renewal?.cancel();
    return Promise.resolve();
  }

  /** What this replica takes the pod for: for the checks. */
  find(uid: string): Pod | undefined {
    return this.shown.get(uid);
  }

  /** Something is known of the pod that its object does not show. */
  lookAgain(uid: string): void {
    const pod = this.shown.get(uid);
    if (pod) this.take(pod, false);
  }

  /** The connection is gone, and that is noticed. */
  cut(why: string): void {
    if (!this.isFollowing || this.isStopped) return;
    this.isFollowing = false;
    this.isListed = false;
    this.held = [];
    this.renewal?.cancel();
    this.parts.process.clock.after(this.outage.failed(new KubernetesError(why)), () => void this.list());
  }

  thaw(): void {
    const { time, process } = this.parts;
    for (const run of this.held) time.after(0, () => process.deliver(run));
    this.held = [];
    // The server had ended it meanwhile.
    const sinceMs = process.clock.monotonicMs() - this.openedAtMs;
    if (sinceMs >= WATCH_MS && !this.isTooOld()) this.renew(this.watches);
  }

  private async list(): Promise<void> {
    if (this.isStopped) return;
    const { link, cluster, process } = this.parts;
    const askedAtMs = process.clock.monotonicMs();
    const watch = (this.watches += 1);
    let isAwaited = true;
    try {
      const all = await link.call('list and watch', () => {
        this.isFollowing ||= isAwaited;
        return cluster.all();
      });
      this.replace(all);
      this.isListed = this.isFollowing;
      this.heardAtMs = askedAtMs;
      this.outage.settled();
      this.follow(watch);
    } catch (error) {
      isAwaited = false;
      this.isFollowing = false;
      process.clock.after(this.outage.failed(error as KubernetesError), () => void this.list());
    }
  }

  private replace(all: readonly Pod[]): void {
    const listed = new Set(all.map(({ uid }) => uid));
    for (const pod of all) this.take(pod, false);
    for (const pod of [...this.shown.values()]) if (!listed.has(pod.uid)) this.take(pod, true);
  }

  private follow(watch: number): void {
    const { clock } = this.parts.process;
    this.openedAtMs = clock.monotonicMs();
    this.renewal?.cancel();
    this.renewal = clock.after(WATCH_MS, () => this.renew(watch));
  }

  private renew(watch: number): void {
    if (watch !== this.watches || this.isStopped || !this.isFollowing) return;
    if (this.parts.watchWay.isFrozen || this.isTooOld()) {
      const leftMs = SILENCE_MS - (this.parts.process.clock.monotonicMs() - this.openedAtMs);
      this.renewal = this.parts.process.clock.after(leftMs, () => this.cut('The watch has gone silent.'));
      return;
    }
    this.heard();
    this.follow(watch);
  }

  private carry(pod: Pod, gone: boolean): void {
    const { time, process, watchWay, link } = this.parts;
    if (!this.isFollowing || this.isStopped) return;
    const watch = this.watches;
    const hear = (): void => {
      if (watch !== this.watches || !this.isFollowing || this.isStopped) return;
      if (this.isTooOld()) return this.cut('The watch was read too late.');
      this.heard();
      this.take(pod, gone);
    };
    if (watchWay.isFrozen) return void this.held.push(hear);
    this.lastMs = Math.max(this.lastMs, time.nowMs + link.latencyMs());
    time.at(this.lastMs, () => process.deliver(hear));
  }

  /** What a process reads when it wakes up may be as old as its pause. */
  private isTooOld(): boolean {
    return this.parts.process.clock.monotonicMs() - this.openedAtMs >= SILENCE_MS;
  }

  private heard(): void {
    this.heardAtMs = this.parts.process.clock.monotonicMs();
  }

  private take(seen: Pod, gone: boolean): void {
    const pod = this.parts.sight(seen);
    const before = this.shown.get(pod.uid);
    if (gone) this.shown.delete(pod.uid);
    else this.shown.set(pod.uid, pod);
    if (gone && !before) return;
    if (!gone && before && before.revision === pod.revision && before.phase === pod.phase) return;
    // Seen while listing is newer than what was on its way.
    if (!gone && before && Number(before.revision) > Number(pod.revision)) return void this.shown.set(pod.uid, before);
    this.changed(pod, gone);
  }
}
