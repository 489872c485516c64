import { Clock } from '../../platform/clock.js';
import type { Pod } from '../runtime/pod.js';
import type { Session } from '../session.js';
import { SessionStore } from '../store/session-store.js';
import { isExpired } from '../deadlines.js';
import { straysOf } from './next-step.js';
import { type DeletionReason, PodRemoval } from './pod-removal.js';

/** Leader only: removes the pods of a session that its record does not name. */
export class StrayRemoval {
  constructor(
    private readonly store: SessionStore,
    private readonly removal: PodRemoval,
    private readonly clock: Clock,
  ) {}

  /** Answers in how many milliseconds a condemned one may be deleted; undefined: nothing is left to do. */
  async remove(session: Session | undefined, pods: readonly Pod[]): Promise<number | undefined> {
    const strays = straysOf(session, pods).filter(({ deleting }) => !deleting);
    let dueInMs: number | undefined;
    for (const stray of strays) {
      const leftMs = (stray.markedUntilMs ?? 0) - this.clock.nowMs();
      if (leftMs > 0) dueInMs = Math.min(dueInMs ?? Infinity, leftMs);
      else await this.removal.remove(stray, reasonOf(session, stray, this.clock.nowMs()), () => this.isUnnamed(stray));
    }
    return dueInMs;
  }

  /** The store's word, not the view's. */
  private async isUnnamed(pod: Pod): Promise<boolean> {
    return !(await this.store.isNamed(pod));
  }
}

function reasonOf(session: Session | undefined, pod: Pod, nowMs: number): DeletionReason {
  if (!session) return 'orphan';
  if (session.state === 'failed') return 'failed';
  if (session.state === 'terminating' || session.state === 'ended') return session.endedBy ?? 'orphan';
  const isOver = pod.assignment && isExpired({ ...pod.assignment, lastUsedAtMs: 0 }, nowMs);
  return isOver ? 'lifetime' : 'replaced';
}
