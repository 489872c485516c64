import { Logger } from '../../platform/logger.js';
import { LifecycleMetrics } from '../lifecycle.metrics.js';
import type { Pod } from '../runtime/pod.js';
import { SessionRuntime } from '../runtime/session-runtime.js';
import { SessionStore } from '../store/session-store.js';
import { deleteAfterMs } from './next-step.js';

/** Why a pod is deleted: the closed list of the metric's label. */
export type DeletionReason = 'idle' | 'lifetime' | 'request' | 'replaced' | 'failed' | 'orphan' | 'surplus';

const MOST_LOOKS = 4;
const MOST_COMPLAINTS = 1_000;

/**
 * Marked before deleted. Whoever wants a pod gone condemns it first, on the revision that the decision rests on,
 * then lets the store compare, then orders the end of exactly what was marked. A leader that was paused in the
 * middle and wakes up finds its mark, its compare or its delete refused.
 */
export class PodRemoval {
  /** Pods that the log was told cannot be deleted, by uid. */
  private readonly complained = new Set<string>();

  constructor(
    private readonly runtime: SessionRuntime,
    private readonly store: SessionStore,
    private readonly drainMs: number,
    private readonly metrics: LifecycleMetrics,
    private readonly logger: Logger,
  ) {}

  /**
   * `compare` is the store's word on whether it may go. False when it refused (the mark is taken back), or when the
   * reason is idleness and a replica without the store wrote to the pod that it is in use. A pod whose time has not come
   * is left marked: the leader's next look deletes it.
   */
  async remove(pod: Pod, reason: DeletionReason, compare: () => Promise<boolean>): Promise<boolean> {
    const marked = await this.condemn(pod, reason);
    if (marked === 'in-use') return false;
    if (!(await this.compareOrUnmark(marked, compare))) return false;
    if (marked && (marked.markedUntilMs ?? 0) <= this.store.nowMs()) await this.delete(marked, reason);
    return true;
  }

  /** Undefined: it is gone already. A use that was written to the pod meanwhile shows that it was not idle. */
  private async condemn(pod: Pod, reason: DeletionReason): Promise<Pod | 'in-use' | undefined> {
    let current: Pod | 'absent' = pod;
    for (let look = 0; look < MOST_LOOKS && current !== 'absent'; look += 1) {
      if (current.uid !== pod.uid || current.deleting) return undefined;
      if (current.markedUntilMs !== undefined) return current;
      if (reason === 'idle' && current.lastUsedAtMs !== pod.lastUsedAtMs) return 'in-use';
      const marked = await this.runtime.mark(current, deleteAfterMs(current, this.drainMs, this.store.nowMs()));
      if (marked === 'absent') return undefined;
      if (marked !== 'changed') return marked;
      current = await this.runtime.read(pod.name);
    }
    if (current === 'absent') return undefined;
    throw new Error(`pod ${pod.name} changes faster than it can be condemned`);
  }

  /** A compare that fails to answer says nothing: the mark stays, and reconcile takes it back if it has no reason. */
  private async compareOrUnmark(marked: Pod | undefined, compare: () => Promise<boolean>): Promise<boolean> {
    if (await compare()) return true;
    if (marked) await this.unmark(marked);
    return false;
  }

  private async unmark(marked: Pod): Promise<void> {
    let current: Pod | 'absent' = marked;
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      if (current === 'absent' || current.uid !== marked.uid || current.markedUntilMs === undefined) return;
      if ((await this.runtime.unmark(current)) !== 'changed') return;
      current = await this.runtime.read(marked.name);
    }
  }

  /** What cannot be deleted now is condemned and no longer named by any record: the leader's next look tries again. */
  private async delete(marked: Pod, reason: DeletionReason): Promise<void> {
    const outcome = await this.runtime.delete(marked).catch((error: unknown) => {
      this.complain(marked, error);
      return 'changed' as const;
    });
    if (outcome !== 'ending') return;
    this.complained.delete(marked.uid);
    this.metrics.podDeleted(reason);
    this.logger.info({ event: 'pod.deleted', sessionId: marked.assignment?.id, pod: marked.name, reason });
  }

  /** Once for a pod, however often it is tried. */
  private complain({ uid, name: pod, assignment }: Pod, error: unknown): void {
    if (this.complained.has(uid)) return;
    if (this.complained.size >= MOST_COMPLAINTS) this.complained.clear();
    this.complained.add(uid);
    const fields = { event: 'pod.undeletable', sessionId: assignment?.id, pod, error };
    this.logger.warn(fields, 'A pod cannot be deleted now; trying until it can.');
  }
}
