import { BoundedMap } from '../../../platform/bounded-map.js';
import { nextCrashCount } from './crash-count.js';
import type { PodObject } from './pod-object.js';
import type { KnownOfPod } from './pod-status.js';

interface Known extends KnownOfPod {
  /** Somebody on this replica waits for it to become ready. */
  isAwaited: boolean;
}

/** Far more than go while an answer is on its way. */
const MOST_GONE = 1_000;

/**
 * What this replica knows of pods beyond what the API server shows of them now. Whoever shows a pod asks here, so that
 * a live answer and the watch say the same. Nothing of it is needed to go on after a restart. A pod that has gone is
 * learnt no more, though the answer to its deletion may come in after the watch has told of its end.
 */
export class KnownPods {
  private readonly pods = new Map<string, Known>();
  private readonly gone = new BoundedMap<string, true>(MOST_GONE);
  private readonly listeners = new Set<(uid: string) => void>();

  /** What is known now that the pod was seen like this. */
  learn(object: PodObject): Known {
    const uid = object.metadata?.uid ?? '';
    const before = this.pods.get(uid);
    const crashes = nextCrashCount(object, before?.crashes);
    const known = before ? { ...before, crashes } : { crashes, isAwaited: false };
    if (before || crashes.lastRun >= 0) this.keep(uid, known);
    return known;
  }

  /** From now on its readiness is looked for. */
  expect(object: PodObject): void {
    this.keep(object.metadata?.uid ?? '', { ...this.learn(object), isAwaited: true });
  }

  reached(uid: string, run: number): void {
    this.change(uid, { reachableRun: run });
  }

  printed(uid: string, lastWords: string): void {
    this.change(uid, { lastWords });
  }

  /** It is gone for good. */
  forget(uid: string): void {
    this.pods.delete(uid);
    this.gone.set(uid, true);
  }

  size(): number {
    return this.pods.size;
  }

  /** Tells of what was not learnt from the pod's object, and so changes how it is shown. */
  onChange(listener: (uid: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private keep(uid: string, known: Known): void {
    if (!this.gone.has(uid)) this.pods.set(uid, known);
  }

  private change(uid: string, facts: Partial<Known>): void {
    const before = this.pods.get(uid);
    if (!before) return;
    this.pods.set(uid, { ...before, ...facts });
    for (const listener of [...this.listeners]) listener(uid);
  }
}
