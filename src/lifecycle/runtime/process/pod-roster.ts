import type { Logger } from '../../../platform/logger.js';
import type { Pod } from '../pod.js';
import type { Compared, PodWatch } from '../session-runtime.js';

type Changed = (pod: Pod, gone: boolean) => void;

interface Watcher {
  changed: Changed;
  /** Changes up to this one were in its first view. */
  since: number;
}

/**
 * Which pods there are, as they are shown. What leaves here is frozen. Every change has a number, which is the pod's new
 * revision; watchers hear of each in that order, after the call that made it.
 */
export class PodRoster {
  private readonly pods = new Map<string, Pod>();
  private readonly watchers = new Set<Watcher>();
  private lastChange = 0;

  constructor(private readonly log: Logger) {}

  find(name: string): Pod | undefined {
    return this.pods.get(name);
  }

  all(): readonly Pod[] {
    return [...this.pods.values()];
  }

  /** The pod as it is, if it still is what the caller decided on. */
  compare(seen: Pod): Compared {
    const pod = this.pods.get(seen.name);
    if (pod === undefined) return 'absent';
    return pod.uid === seen.uid && pod.revision === seen.revision ? pod : 'changed';
  }

  put(facts: Omit<Pod, 'revision'>): Pod {
    const pod = frozen({ ...facts, revision: String(++this.lastChange) });
    this.pods.set(pod.name, pod);
    this.tell(pod, false);
    return pod;
  }

  remove(name: string): void {
    const pod = this.pods.get(name);
    if (pod === undefined) return;
    this.pods.delete(name);
    this.lastChange++;
    this.tell(pod, true);
  }

  watch(changed: Changed): PodWatch {
    let isSynced = false;
    let isStopped = false;
    const watcher: Watcher = { changed, since: 0 };
    queueMicrotask(() => {
      if (isStopped) return;
      watcher.since = this.lastChange;
      this.watchers.add(watcher);
      isSynced = true;
      for (const pod of this.all()) this.report(watcher, pod, false);
    });
    const stop = (): Promise<void> => {
      isStopped = true;
      this.watchers.delete(watcher);
      return Promise.resolve();
    };
    return { ageMs: () => (isSynced ? 0 : 'unsynced'), stop };
  }

  /** Nobody hears of anything any more. */
  dismissWatchers(): void {
    this.watchers.clear();
  }

  private tell(pod: Pod, gone: boolean): void {
    const change = this.lastChange;
    queueMicrotask(() => {
      for (const watcher of [...this.watchers]) {
        if (change > watcher.since && this.watchers.has(watcher)) this.report(watcher, pod, gone);
      }
    });
  }

  /** A watcher that throws must not take the others, or all of Berth and its pods, with it. */
  private report({ changed }: Watcher, pod: Pod, gone: boolean): void {
    try {
      changed(pod, gone);
    } catch (error) {
      this.log.error({ event: 'process_runtime.watcher_failed', pod: pod.name, error }, 'a watcher of pods failed');
    }
  }
}

function frozen(pod: Pod): Pod {
  const { assignment, failure } = pod;
  return Object.freeze({
    ...pod,
    ...(assignment && { assignment: Object.freeze({ ...assignment, env: Object.freeze({ ...assignment.env }) }) }),
    ...(failure && { failure: Object.freeze({ ...failure }) }),
  });
}
