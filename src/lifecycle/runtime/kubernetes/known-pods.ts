import { nextCrashCount } from './crash-count.js';
import type { PodObject } from './pod-object.js';
import type { KnownOfPod } from './pod-status.js';

interface Known extends KnownOfPod {
  /** Somebody on this replica waits for it to become ready. */
  isAwaited: boolean;
}

/**
 * What this replica knows of pods beyond what the API server shows of them now. Whoever shows a pod asks here, so that
 * a live answer and the watch say the same. Nothing of it is needed to go on after a restart.
 */
export class KnownPods {
  private readonly pods = new Map<string, Known>();
  private readonly listeners = new Set<(uid: string) => void>();

  /** What is known now that the pod was seen like this. */
  learn(object: PodObject): Known {
    const uid = object.metadata?.uid ?? '';
    const before = this.pods.get(uid);
    const crashes = nextCrashCount(object, before?.crashes);
    const known = before ? { ...before, crashes } : { crashes, isAwaited: false };
    if (before || crashes.lastRun >= 0) this.pods.set(uid, known);
    return known;
  }

  /** From now on its readiness is looked for. */
  expect(object: PodObject): void {
    this.pods.set(object.metadata?.uid ?? '', { ...this.learn(object), isAwaited: true });
  }

  reached(uid: string, run: number): void {
    this.change(uid, { reachableRun: run });
  }

  printed(uid: string, lastWords: string): void {
    this.change(uid, { lastWords });
  }

  forget(uid: string): void {
    this.pods.delete(uid);
  }

  /** Tells of what was not learnt from the pod's object, and so changes how it is shown. */
  onChange(listener: (uid: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private change(uid: string, facts: Partial<Known>): void {
    const before = this.pods.get(uid);
    if (!before) return;
    this.pods.set(uid, { ...before, ...facts });
    for (const listener of [...this.listeners]) listener(uid);
  }
}
