import type { ApiPod } from './api-pod.js';

/** What happens to a pod instead of what its spec asks for, until it is called off. */
export interface Fate {
  /** The scheduler finds no node, and says why. */
  unschedulable?: string;
  /** The pod stays in ContainerCreating; an event FailedMount says why. */
  stuckCreating?: string;
  /** Its container does not start, for this reason (ImagePullBackOff, CreateContainerConfigError, …). */
  waiting?: string;
  message?: string;
  /** Each run prints a line and exits. */
  crashes?: { exitCode: number; says: string; times: number };
  /** It runs and never answers. */
  silent?: true;
  /** It is created, and then shown as ready, late. */
  slow?: { startMs?: number; readyMs?: number };
}

export const silent: Fate = { silent: true };

export function unschedulable(message: string): Fate {
  return { unschedulable: message };
}

export function stuckCreating(message: string): Fate {
  return { stuckCreating: message };
}

export function slow(slowness: { startMs?: number; readyMs?: number }): Fate {
  return { slow: slowness };
}

/** `times`: so many runs crash; afterwards it runs as it should. */
export function crashLoop(crash: { exitCode?: number; says?: string; times?: number } = {}): Fate {
  return { crashes: { exitCode: 1, says: 'cannot go on', times: Infinity, ...crash } };
}

/** A pod's name, or any rule. */
export type Which = string | ((pod: ApiPod) => boolean);

export function isMeant(which: Which, pod: ApiPod): boolean {
  return typeof which === 'string' ? pod.metadata.name === which : which(pod);
}

export class Fates {
  private readonly ordered: { which: Which; fate: Fate }[] = [];
  private readonly waiting = new Set<() => void>();

  /** The latest order that fits. */
  of(pod: ApiPod): Fate {
    return this.ordered.findLast(({ which }) => isMeant(which, pod))?.fate ?? {};
  }

  order(which: Which, fate: Fate): () => void {
    const one = { which, fate };
    this.ordered.push(one);
    this.wake();
    return () => {
      this.ordered.splice(this.ordered.indexOf(one), 1);
      this.wake();
    };
  }

  /** Until any order is given or called off, or the signal fires. */
  change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        this.waiting.delete(go);
        signal.removeEventListener('abort', go);
        resolve();
      };
      this.waiting.add(go);
      signal.addEventListener('abort', go);
      if (signal.aborted) go();
    });
  }

  private wake(): void {
    for (const go of [...this.waiting]) go();
  }
}
