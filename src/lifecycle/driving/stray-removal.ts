import { Clock, type Timer } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { isExpired } from '../deadlines.js';
import { isOutage } from '../lifecycle.errors.js';
import type { Pod } from '../runtime/pod.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { SessionStore } from '../store/session-store.js';
import { straysOf } from './next-step.js';
import { type DeletionReason, PodRemoval } from './pod-removal.js';

const TRY_AGAIN_MS = 2_000;

/** What is true now of a session and its pods, as far as this replica sees. */
export type Facts = () => { session: Session | undefined; pods: readonly Pod[] };

/**
 * Leader only: removes the pods of a session that its record does not name. Apart from the session's own steps, so
 * that a pod which cannot be deleted holds up nothing but itself.
 */
export class StrayRemoval {
  private readonly atWork = new Set<SessionId>();
  private readonly nextLooks = new Map<SessionId, Timer>();

  constructor(
    private readonly store: SessionStore,
    private readonly removal: PodRemoval,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Looks now, and again when something condemned may be deleted or could not be. */
  look(id: SessionId, facts: Facts, isLeading: () => boolean): void {
    if (this.atWork.has(id) || strays(facts).length === 0) return;
    this.atWork.add(id);
    this.nextLooks.get(id)?.cancel();
    this.nextLooks.delete(id);
    void this.removeAll(facts).then((againInMs) => {
      this.atWork.delete(id);
      if (againInMs !== undefined) this.lookAgain(againInMs, id, facts, isLeading);
    });
  }

  /** However many looks there were: each of them would be followed by others for as long as a pod does not go. */
  private lookAgain(ms: number, id: SessionId, facts: Facts, isLeading: () => boolean): void {
    const next = this.clock.after(ms, () => {
      this.nextLooks.delete(id);
      if (isLeading()) this.look(id, facts, isLeading);
    });
    this.nextLooks.set(id, next);
  }

  private async removeAll(facts: Facts): Promise<number | undefined> {
    let againInMs: number | undefined;
    for (const stray of strays(facts)) {
      const waitMs = await this.removeSafely(facts().session, stray);
      if (waitMs !== undefined) againInMs = Math.min(againInMs ?? Infinity, waitMs);
    }
    return againInMs;
  }

  private async removeSafely(session: Session | undefined, stray: Pod): Promise<number | undefined> {
    const leftMs = (stray.markedUntilMs ?? 0) - this.store.nowMs();
    if (leftMs > 0) return leftMs;
    try {
      await this.removal.remove(stray, reasonOf(session, stray, this.store.nowMs()), () => this.isUnnamed(stray));
    } catch (error) {
      if (!isOutage(error)) this.logger.error({ event: 'stray.failed', pod: stray.name, error });
    }
    return TRY_AGAIN_MS;
  }

  /** The store's word, not the view's. */
  private async isUnnamed(pod: Pod): Promise<boolean> {
    return !(await this.store.isNamed(pod));
  }
}

function strays(facts: Facts): readonly Pod[] {
  const { session, pods } = facts();
  return straysOf(session, pods).filter(({ deleting }) => !deleting);
}

function reasonOf(session: Session | undefined, pod: Pod, nowMs: number): DeletionReason {
  if (!session) return 'orphan';
  if (session.state === 'failed') return 'failed';
  if (session.state === 'terminating' || session.state === 'ended') return session.endedBy ?? 'orphan';
  const isOver = pod.assignment && isExpired({ ...pod.assignment, lastUsedAtMs: 0 }, nowMs);
  return isOver ? 'lifetime' : 'replaced';
}
