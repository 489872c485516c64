import type { KubernetesClient } from '../../../platform/kubernetes/kubernetes-client.js';
import { ObjectWatch, type ObjectWatchOptions } from '../../../platform/kubernetes/object-watch.js';
import type { Pod } from '../pod.js';
import type { Hearing, PodWatch } from '../session-runtime.js';
import type { KnownPods } from './known-pods.js';
import { OURS } from './pod-metadata.js';
import type { PodObject } from './pod-object.js';
import type { PodSight } from './pod-sight.js';

type Changed = (pod: Pod, gone: boolean) => void;

/** The object is kept for as long as something may change how it is shown without changing itself. */
interface Seen {
  pod: Pod;
  object?: PodObject;
}

export interface PodWatchParts {
  client: KubernetesClient;
  path: string;
  sight: PodSight;
  known: KnownPods;
  options: ObjectWatchOptions;
}

/** One watch over all of Berth's pods. Every replica that keeps one sees the same pods in the same order. */
export class KubernetesPodWatch implements PodWatch {
  private readonly shown = new Map<string, Pod>();
  private readonly unsettled = new Map<string, PodObject>();
  private readonly objects: ObjectWatch<Seen>;
  private readonly unlisten: () => void;

  constructor(
    private readonly parts: PodWatchParts,
    private readonly changed: Changed,
  ) {
    const parse = (raw: unknown): Seen => this.see(raw as PodObject);
    const watched = { path: parts.path, labelSelector: OURS, parse };
    const handlers = {
      replaced: (all: Seen[]) => all.forEach((seen) => this.take(seen)),
      changed: (seen: Seen) => this.take(seen),
      gone: (seen: Seen) => this.drop(seen.pod),
    };
    this.objects = new ObjectWatch(parts.client, watched, handlers, parts.options);
    this.unlisten = parts.known.onChange((uid) => this.lookAgain(uid));
    this.objects.start();
  }

  ageMs(): number | 'unsynced' {
    return this.objects.ageMs();
  }

  hearing(): Hearing {
    return this.objects.hearing();
  }

  async stop(): Promise<void> {
    this.unlisten();
    await this.objects.stop();
  }

  private see(object: PodObject): Seen {
    const pod = this.parts.sight.show(object);
    return pod.phase === 'starting' || pod.phase === 'restarting' ? { pod, object } : { pod };
  }

  private take({ pod, object }: Seen): void {
    if (object) this.unsettled.set(pod.uid, object);
    else this.unsettled.delete(pod.uid);
    const before = this.shown.get(pod.uid);
    if (before && isSame(before, pod)) return;
    this.shown.set(pod.uid, pod);
    this.tell(pod, false);
  }

  private drop(pod: Pod): void {
    this.unsettled.delete(pod.uid);
    this.parts.sight.forget(pod.uid);
    if (this.shown.delete(pod.uid)) this.tell(pod, true);
  }

  /** It answers, or its last words were read. */
  private lookAgain(uid: string): void {
    const object = this.unsettled.get(uid);
    if (object) this.take(this.see(object));
  }

  private tell(pod: Pod, gone: boolean): void {
    try {
      this.changed(pod, gone);
    } catch (error) {
      const fields = { event: 'kubernetes.watcher_failed', pod: pod.name, error };
      this.parts.options.logger.error(fields, 'A watcher of pods failed.');
    }
  }
}

/** A list that was made anew brings what is known already. */
function isSame(one: Pod, other: Pod): boolean {
  return (
    one.revision === other.revision && one.phase === other.phase && one.failure?.message === other.failure?.message
  );
}
