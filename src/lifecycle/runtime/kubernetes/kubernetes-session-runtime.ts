import type { Clock } from '../../../platform/clock.js';
import type { KubernetesClient } from '../../../platform/kubernetes/kubernetes-client.js';
import { asKubernetesError } from '../../../platform/kubernetes/kubernetes-errors.js';
import type { Logger } from '../../../platform/logger.js';
import type { Randomness } from '../../../platform/randomness.js';
import type { Timeouts } from '../../session.js';
import type { Template } from '../../templates/template.js';
import type { Pod, PodOrder } from '../pod.js';
import { podName } from '../pod-name.js';
import { type Compared, type LogOptions, type PodWatch, SessionRuntime } from '../session-runtime.js';
import { unavailable } from './create-outcome.js';
import { HealthAsking } from './health-asking.js';
import { KnownPods } from './known-pods.js';
import { KubernetesPodWatch } from './kubernetes-pod-watch.js';
import { LastWords } from './last-words.js';
import { type MetadataChange, PodApi } from './pod-api.js';
import { PodLog } from './pod-log.js';
import { coldPod, warmPod } from './pod-manifest.js';
import { ANNOTATION, assignmentMetadata, timeoutAnnotations, timeText } from './pod-metadata.js';
import { PodSight } from './pod-sight.js';
import type { PodSettings } from './pod-spec.js';
import { PodWriter } from './pod-writer.js';

/**
 * Pods of one namespace of a cluster. The API server has the truth and does the comparing: every change names the uid and
 * the resourceVersion that it rests on. What is kept here makes a pod known to be ready sooner, or dead with a better
 * reason; any replica can go on without it.
 */
export class KubernetesSessionRuntime extends SessionRuntime {
  private readonly api: PodApi;
  private readonly known = new KnownPods();
  private readonly asking: HealthAsking;
  private readonly sight: PodSight;
  private readonly writer: PodWriter;
  private readonly log: PodLog;
  private readonly watches = new Set<KubernetesPodWatch>();
  private readonly ending = new AbortController();

  constructor(
    private readonly client: KubernetesClient,
    private readonly settings: PodSettings,
    private readonly clock: Clock,
    private readonly randomness: Randomness,
    private readonly logger: Logger,
  ) {
    super();
    this.api = new PodApi(client);
    this.asking = new HealthAsking(clock, settings.startTimeoutMs, (uid, run) => this.known.reached(uid, run));
    const lastWords = new LastWords(this.api, this.known);
    this.sight = new PodSight(this.known, this.asking, lastWords, this.api, logger);
    this.writer = new PodWriter(this.api, clock, randomness);
    this.log = new PodLog(this.api, clock);
  }

  /** A call without an answer may have made the pod all the same: whoever asks again adopts it. */
  async create(order: PodOrder): Promise<Pod | 'name-taken'> {
    const name = podName(order.id, order.generation);
    const { object, isNew } = await this.writer.ensure(name, coldPod(order, this.settings));
    const pod = this.sight.show(object);
    return isNew || isAdoptable(pod, order) ? this.sight.showAwaited(object) : 'name-taken';
  }

  async createWarm(template: Template): Promise<Pod> {
    for (;;) {
      const manifest = warmPod(template, this.settings, this.randomness.uuid());
      const { object, isNew } = await this.writer.ensure(manifest.metadata!.name!, manifest);
      if (isNew) return this.sight.showAwaited(object);
    }
  }

  /** Environment that a client asked for cannot be given to a container that runs: such an order needs a cold pod. */
  async claim(warm: Pod, order: PodOrder): Promise<Compared> {
    const isFree = warm.wasWarm && !warm.assignment && warm.markedUntilMs === undefined && !warm.deleting;
    if (!isFree || warm.template !== order.template) return this.writer.standing(warm);
    const object = await this.writer.change(warm, assignmentMetadata(order));
    return typeof object === 'string' ? object : this.sight.showAwaited(object);
  }

  mark(pod: Pod, deleteAfterMs: number): Promise<Compared> {
    return this.change(pod, { annotations: { [ANNOTATION.condemned]: timeText(deleteAfterMs) } });
  }

  /** A deletion that was ordered cannot be taken back. */
  unmark(marked: Pod): Promise<Compared> {
    if (marked.deleting) return this.writer.standing(marked);
    return this.change(marked, { annotations: { [ANNOTATION.condemned]: null } });
  }

  async annotate(pod: Pod, facts: { lastUsedAtMs?: number; timeouts?: Timeouts }): Promise<Compared | 'marked'> {
    if (pod.markedUntilMs !== undefined) return this.isMarkedStill(pod);
    const { lastUsedAtMs, timeouts = {} } = facts;
    const annotations = {
      ...(lastUsedAtMs !== undefined && { [ANNOTATION.lastUsedAt]: timeText(lastUsedAtMs) }),
      ...(pod.assignment && timeoutAnnotations(timeouts)),
    };
    return this.change(pod, { annotations });
  }

  async delete(marked: Pod): Promise<'ending' | 'changed' | 'absent'> {
    return marked.markedUntilMs === undefined ? this.writer.standing(marked) : this.writer.delete(marked);
  }

  async read(name: string): Promise<Pod | 'absent'> {
    const object = await this.writer.find(name);
    return object === 'absent' ? object : this.sight.showFully(object);
  }

  async list(): Promise<readonly Pod[]> {
    try {
      return (await this.api.list()).map((object) => this.sight.show(object));
    } catch (error) {
      throw unavailable('list the pods', asKubernetesError(error));
    }
  }

  watch(changed: (pod: Pod, gone: boolean) => void): PodWatch {
    const { client, sight, known, clock, randomness, logger } = this;
    const options = { clock, randomness, logger };
    const watch = new KubernetesPodWatch({ client, path: this.api.path, sight, known, options }, changed);
    this.watches.add(watch);
    return {
      ageMs: () => watch.ageMs(),
      hearing: () => watch.hearing(),
      stop: () => {
        this.watches.delete(watch);
        return watch.stop();
      },
    };
  }

  logs(pod: Pod, options: LogOptions): AsyncGenerator<Uint8Array> {
    return this.log.read(pod, { ...options, signal: AbortSignal.any([options.signal, this.ending.signal]) });
  }

  /** The pods go on: other replicas serve them, and this one when it is back. */
  async stop(): Promise<void> {
    this.ending.abort();
    this.asking.stop();
    await Promise.all([...this.watches].map((watch) => watch.stop()));
    this.watches.clear();
  }

  private async change(seen: Pod, change: MetadataChange): Promise<Compared> {
    const object = await this.writer.change(seen, change);
    return typeof object === 'string' ? object : this.sight.show(object);
  }

  private async isMarkedStill({ name, uid }: Pod): Promise<'marked' | 'changed' | 'absent'> {
    const object = await this.writer.find(name);
    if (object === 'absent') return object;
    const now = this.sight.show(object);
    return now.uid === uid && now.markedUntilMs !== undefined ? 'marked' : 'changed';
  }
}

/** Asking again for a pod that is there is no second pod. Its template may have changed since; it is that pod all the same. */
function isAdoptable({ assignment, markedUntilMs, deleting }: Pod, order: PodOrder): boolean {
  return (
    assignment?.id === order.id &&
    assignment.owner === order.owner &&
    assignment.generation === order.generation &&
    markedUntilMs === undefined &&
    !deleting
  );
}
