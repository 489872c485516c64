import { BoundedMap } from '../../platform/bounded-map.js';
import { Clock, pause } from '../../platform/clock.js';
import { RuntimeUnavailable } from '../lifecycle.errors.js';
import type { Pod } from '../runtime/pod.js';
import { annotateLatest } from '../runtime/annotate-latest.js';
import { SessionRuntime } from '../runtime/session-runtime.js';
import type { Session } from '../session.js';
import { SessionStore } from '../store/session-store.js';

/** Who is forgotten is written again at its next use, which does no harm. */
const MOST_REMEMBERED = 10_000;
/** A request waits no longer for a runtime that does not answer, and for a while after that not at all. */
const ANSWER_WITHIN_MS = 2_000;
const NOT_WAITED_FOR_MS = 5_000;

/**
 * While the store cannot be written, a session's use is written to its pod, at a quarter of its idle timeout and before
 * a request is sent there: whoever wants to end the session then finds the pod changed, and whoever has condemned it is
 * found out here. Nobody can be ended while the runtime is away as well, so nothing needs to be written then.
 */
export class PodWitness {
  /** When a use was last written, by the pod's uid and the monotonic clock. */
  private readonly writtenAtMs = new BoundedMap<string, number>(MOST_REMEMBERED);
  /** Writes under way, by the pod's uid: who comes meanwhile shares one, for two would refuse each other. */
  private readonly writing = new Map<string, Promise<boolean>>();
  private silentUntilMs = -Infinity;

  constructor(
    private readonly runtime: SessionRuntime,
    private readonly store: SessionStore,
    private readonly clock: Clock,
  ) {}

  /** False when the pod is condemned or gone. */
  async recordUse(session: Session, pod: Pod): Promise<boolean> {
    if (pod.markedUntilMs !== undefined || pod.deleting) return false;
    const nowMs = this.clock.monotonicMs();
    if (nowMs - (this.writtenAtMs.get(pod.uid) ?? -Infinity) < session.idleTimeoutMs / 4) return true;
    if (nowMs < this.silentUntilMs) return true;
    const isWritten = await this.writeInTime(pod);
    if (isWritten === true) this.writtenAtMs.set(pod.uid, nowMs);
    return isWritten !== false;
  }

  /** One that does not answer is away, as is one that says so. */
  private async writeInTime(pod: Pod): Promise<boolean | 'away'> {
    const isOver = new AbortController();
    const writing = this.shared(pod).catch((error: unknown) => {
      if (error instanceof RuntimeUnavailable) return 'away' as const;
      throw error;
    });
    const late = pause(this.clock, ANSWER_WITHIN_MS, isOver.signal).then(() => 'late' as const);
    const outcome = await Promise.race([writing, late]).finally(() => isOver.abort());
    if (outcome !== 'late') return outcome;
    writing.catch(() => undefined);
    this.silentUntilMs = this.clock.monotonicMs() + NOT_WAITED_FOR_MS;
    return 'away';
  }

  private shared(pod: Pod): Promise<boolean> {
    const underWay = this.writing.get(pod.uid);
    if (underWay) return underWay;
    const facts = { lastUsedAtMs: this.store.nowMs() };
    const writing = annotateLatest(this.runtime, pod, pod, facts).finally(() => this.writing.delete(pod.uid));
    this.writing.set(pod.uid, writing);
    return writing;
  }
}
