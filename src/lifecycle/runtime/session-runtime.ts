import type { Timeouts } from '../session.js';
import type { Template } from '../templates/template.js';
import type { Pod, PodOrder } from './pod.js';

/** `changed`: the pod is another, or another revision, than the caller decided on. Look again. */
export type Compared = Pod | 'changed' | 'absent';

export interface Hearing {
  /** Why nothing is heard now, as soon as that is known. */
  trouble?: string;
  /** Since the last trouble that was more than a hiccup; Infinity: there was none. */
  unbrokenMs: number;
}

export interface PodWatch {
  /** Since when nothing was heard of the runtime, or `unsynced` before the first complete view. */
  ageMs(): number | 'unsynced';
  /** Of a runtime that can be away. */
  hearing?(): Hearing;
  stop(): Promise<void>;
}

export interface LogOptions {
  follow: boolean;
  tailLines?: number;
  signal: AbortSignal;
}

/**
 * Where pods live. Any call may throw RuntimeUnavailable, after which nothing is known, above all not absence.
 * `claim`, `mark`, `unmark`, `delete` and `annotate` compare the pod's uid and revision before they change anything.
 */
export abstract class SessionRuntime {
  /**
   * Makes the pod of (id, generation); its name follows from these two. A pod of that name with equal id, owner and
   * generation, unmarked and not being deleted, is adopted; any other is `name-taken`. Returns once the pod exists,
   * long before it is ready. Throws PodRefused when such a pod can never be made.
   */
  abstract create(order: PodOrder): Promise<Pod | 'name-taken'>;
  abstract createWarm(template: Template): Promise<Pod>;
  /** Assigns a warm pod. */
  abstract claim(warm: Pod, order: PodOrder): Promise<Compared>;
  /** Condemns a pod: it will be deleted, not before `deleteAfterMs` (wall clock), and never be used again. */
  abstract mark(pod: Pod, deleteAfterMs: number): Promise<Compared>;
  abstract unmark(marked: Pod): Promise<Compared>;
  /** Orders the end of a marked pod; it is gone when the watch says so. An unmarked pod is never deleted: `changed`. */
  abstract delete(marked: Pod): Promise<'ending' | 'changed' | 'absent'>;
  abstract annotate(pod: Pod, facts: { lastUsedAtMs?: number; timeouts?: Timeouts }): Promise<Compared | 'marked'>;
  /** Asked live, never from a cache. */
  abstract read(name: string): Promise<Pod | 'absent'>;
  /** Live and complete: warm, assigned, marked and ending pods. */
  abstract list(): Promise<readonly Pod[]>;
  /** Reports every pod there is, then every change; `gone` is the last word on a pod. */
  abstract watch(changed: (pod: Pod, gone: boolean) => void): PodWatch;
  /** What the pod printed, oldest first. Ends with what there is, or when the pod or the signal ends if following. */
  abstract logs(pod: Pod, options: LogOptions): AsyncIterable<Uint8Array>;
  /** Lets go of everything. What cannot outlive this process ends with it. */
  abstract stop(): Promise<void>;
}
