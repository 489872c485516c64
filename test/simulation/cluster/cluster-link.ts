import { RuntimeUnavailable } from '../../../src/lifecycle/lifecycle.errors.js';
import type { Pod, PodOrder } from '../../../src/lifecycle/runtime/pod.js';
import { type PodWatch, SessionRuntime } from '../../../src/lifecycle/runtime/session-runtime.js';
import type { Timeouts } from '../../../src/lifecycle/session.js';
import type { Template } from '../../../src/lifecycle/templates/template.js';
import type { FeedParts } from './pod-feed.js';
import { PodFeed } from './pod-feed.js';

/** How soon one who keeps asking a pod whether it answers learns that it does. */
const ASKED_EVERY_MS = 100;

/**
 * The cluster as one process reaches it. A pod that this process made, claimed or read is asked whether it answers, and
 * is shown ready as soon as it does, which others learn from the API server later.
 */
export class ClusterLink extends SessionRuntime {
  feed?: PodFeed;
  /** The run of the pod that was reached, by uid. */
  private readonly reached = new Map<string, number>();
  private readonly awaited = new Set<string>();

  constructor(private readonly parts: Omit<FeedParts, 'sight'>) {
    super();
    const stop = parts.cluster.onListening((uid) => this.awaited.has(uid) && this.askSoon(uid));
    parts.process.onDeath(stop);
  }

  create(order: PodOrder): Promise<Pod | 'name-taken'> {
    return this.change('create', () => this.parts.cluster.create(order));
  }

  async createWarm(template: Template): Promise<Pod> {
    const name = `berth-warm-${this.parts.chance.uuid().slice(0, 8)}`;
    return this.sight(await this.parts.link.call('createWarm', () => this.parts.cluster.createWarm(template, name)));
  }

  claim(warm: Pod, order: PodOrder) {
    return this.change('claim', () => this.parts.cluster.claim(warm, order));
  }

  mark(pod: Pod, deleteAfterMs: number) {
    return this.change('mark', () => this.parts.cluster.mark(pod, deleteAfterMs));
  }

  unmark(marked: Pod) {
    return this.change('unmark', () => this.parts.cluster.unmark(marked));
  }

  delete(marked: Pod): Promise<'ending' | 'changed' | 'absent'> {
    return this.parts.link.call('delete', () => this.parts.cluster.delete(marked));
  }

  annotate(pod: Pod, facts: { lastUsedAtMs?: number; timeouts?: Timeouts }) {
    return this.change('annotate', () => this.parts.cluster.annotate(pod, facts));
  }

  read(name: string): Promise<Pod | 'absent'> {
    return this.change('read', () => this.parts.cluster.named(name) ?? 'absent');
  }

  async list(): Promise<readonly Pod[]> {
    const pods = await this.parts.link.call('list', () => this.parts.cluster.all());
    return pods.map((pod) => this.sight(pod));
  }

  watch(changed: (pod: Pod, gone: boolean) => void): PodWatch {
    this.feed = new PodFeed({ ...this.parts, sight: (pod) => this.sight(pod) }, changed);
    return this.feed;
  }

  async *logs(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('what the pod printed\n'));
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  private async change<T extends string>(name: string, act: () => Pod | T): Promise<Pod | T> {
    const answer = await this.parts.link.call(name, act);
    if (typeof answer !== 'object') return answer;
    if (name !== 'mark' && name !== 'unmark' && name !== 'annotate') this.expect(answer.uid);
    return this.sight(answer);
  }

  private expect(uid: string): void {
    this.awaited.add(uid);
    if (this.parts.cluster.lives.get(uid)?.isListening) this.askSoon(uid);
  }

  private askSoon(uid: string): void {
    const { process, chance, cluster } = this.parts;
    process.clock.after(chance.between(1, ASKED_EVERY_MS), () => {
      const life = cluster.lives.get(uid);
      if (!life?.isListening) return;
      this.reached.set(uid, life.run);
      this.feed?.lookAgain(uid);
    });
  }

  private sight(pod: Pod): Pod {
    const isComingUp = pod.phase === 'starting' || pod.phase === 'restarting';
    const isReached = this.reached.get(pod.uid) === pod.restarts && pod.address !== undefined;
    return isComingUp && isReached ? { ...pod, phase: 'ready' } : pod;
  }
}

export function runtimeUnavailable(why: string): RuntimeUnavailable {
  return new RuntimeUnavailable(`Kubernetes could not be asked: ${why}`);
}
