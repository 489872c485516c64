import { Clock } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { healBackOffMs } from '../deadlines.js';
import type { DeletionReason } from '../driving/pod-removal.js';
import { PodHeldBack, PodRefused } from '../lifecycle.errors.js';
import { LifecycleMetrics } from '../lifecycle.metrics.js';
import type { Pod } from '../runtime/pod.js';
import { SessionRuntime } from '../runtime/session-runtime.js';
import type { Template } from '../templates/template.js';
import { PodDirectory } from '../view/pod-directory.js';
import type { LeaderPass } from './leader-pass.js';
import { isOf, planWarmPools } from './warm-pool.js';

const LOOK_EVERY_MS = 10_000;
const AT_ONCE = 10;
/** A pod that was ordered and is not seen after this long was taken, deleted or never made. */
const SEEN_WITHIN_MS = 60_000;
const DELETION: DeletionReason = 'surplus';

/** Pods of a template that come to nothing, one after the other: the next order waits the longer. */
interface Setback {
  hash: string;
  inARow: number;
  untilMs: number;
  /** The pods that were ready by then: they say nothing of whether more can be had. */
  readyBefore: ReadonlySet<string>;
}

/**
 * Keeps the wanted number of warm pods per template: makes what is missing, ends what is outdated, dead or too many.
 * A warm pod is condemned on the revision that was seen unassigned, so that a claim and its end exclude each other.
 */
export class WarmPoolTask implements LeaderPass {
  readonly name = 'warm-pool';
  private readonly ordered = new Map<string, { pod: Pod; atMs: number }>();
  private readonly setbacks = new Map<string, Setback>();

  constructor(
    private readonly runtime: SessionRuntime,
    private readonly pods: PodDirectory,
    private readonly templates: readonly Template[],
    private readonly clock: Clock,
    private readonly report: { metrics: LifecycleMetrics; logger: Logger },
  ) {}

  async pass(whileLeading: AbortSignal): Promise<{ againInMs: number }> {
    if (!this.pods.isCurrent()) return { againInMs: 100 };
    this.forgetSeenOrders();
    this.forgetSetbacks();
    const orders = [...this.ordered.values()].map(({ pod }) => pod);
    const { missing, surplus, condemned } = planWarmPools(this.templates, this.pods.warm(), orders);
    const errors: unknown[] = [];
    const refused = (error: unknown): void => void errors.push(error);
    for (const pod of surplus) await this.condemn(pod).catch(refused);
    for (const pod of condemned) await this.end(pod).catch(refused);
    for (const { template, count } of missing) if (!whileLeading.aborted) await this.fill(template, count);
    // One pod that cannot be ended keeps neither the others nor new ones waiting.
    if (errors.length > 0) throw errors[0];
    return { againInMs: this.nextLookMs() };
  }

  private forgetSeenOrders(): void {
    const longAgoMs = this.clock.monotonicMs() - SEEN_WITHIN_MS;
    for (const [uid, { atMs }] of this.ordered) if (this.pods.find(uid) || atMs < longAgoMs) this.ordered.delete(uid);
  }

  private async condemn(pod: Pod): Promise<void> {
    const marked = await this.runtime.mark(pod, this.clock.nowMs());
    if (typeof marked !== 'object') return;
    if (pod.phase === 'dead') this.setBack(pod.template, pod.templateHash, pod.failure?.reason ?? 'PodDied');
    await this.end(marked);
  }

  private async end(marked: Pod): Promise<void> {
    if ((await this.runtime.delete(marked)) !== 'ending') return;
    this.report.metrics.podDeleted(DELETION);
    this.report.logger.info({ event: 'pod.deleted', pod: marked.name, template: marked.template, reason: DELETION });
  }

  private async fill(template: Template, count: number): Promise<void> {
    if (this.isSetBack(template)) return;
    await Promise.all(Array.from({ length: Math.min(count, AT_ONCE) }, () => this.make(template)));
  }

  private async make(template: Template): Promise<void> {
    try {
      const pod = await this.runtime.createWarm(template);
      this.ordered.set(pod.uid, { pod, atMs: this.clock.monotonicMs() });
    } catch (error) {
      if (!(error instanceof PodRefused || error instanceof PodHeldBack)) throw error;
      if (!this.isSetBack(template)) this.setBack(template.name, template.hash, error.reason, error.message);
    }
  }

  private isSetBack({ name, hash }: Template): boolean {
    const setback = this.setbacks.get(name);
    return setback?.hash === hash && setback.untilMs > this.clock.monotonicMs();
  }

  private setBack(template: string, hash: string, reason: string, message?: string): void {
    const standing = this.setbacks.get(template);
    const inARow = (standing?.hash === hash ? standing.inARow : 0) + 1;
    const untilMs = this.clock.monotonicMs() + healBackOffMs(inARow);
    const readyBefore = new Set(this.ready().map(({ uid }) => uid));
    this.setbacks.set(template, { hash, inARow, untilMs, readyBefore });
    this.report.metrics.creationFailed(reason);
    this.report.logger.warn({ event: 'warm-pool.set-back', template, reason, inARow }, message);
  }

  /** A pod of the template that came to be ready since ends its setbacks. */
  private forgetSetbacks(): void {
    const ready = this.ready();
    for (const template of this.templates) {
      const { readyBefore } = this.setbacks.get(template.name) ?? {};
      if (ready.some((pod) => isOf(template, pod) && !readyBefore?.has(pod.uid))) this.setbacks.delete(template.name);
    }
  }

  private ready(): readonly Pod[] {
    return this.pods.warm().filter(({ phase }) => phase === 'ready');
  }

  private nextLookMs(): number {
    const leftMs = [...this.setbacks.values()].map(({ untilMs }) => untilMs - this.clock.monotonicMs());
    return Math.min(LOOK_EVERY_MS, ...leftMs.filter((ms) => ms > 0));
  }
}
