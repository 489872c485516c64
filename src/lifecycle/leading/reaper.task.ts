import { Clock } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { calmBeforeReapingMs, reapReason } from '../deadlines.js';
import { PodRemoval } from '../driving/pod-removal.js';
import { SessionDriver } from '../driving/session-driver.js';
import { isOutage } from '../lifecycle.errors.js';
import { LifecycleMetrics } from '../lifecycle.metrics.js';
import type { Session } from '../session.js';
import { refOf, SessionStore } from '../store/session-store.js';
import { PodDirectory } from '../view/pod-directory.js';
import { Calm } from './calm.js';
import type { LeaderPass } from './leader-pass.js';

/** More would hold the store up for longer than half a millisecond. */
const PAGE = 25;
const AT_ONCE = 10;
const AFTER_A_REFUSAL_MS = 5_000;
const SHORTEST_PAUSE_MS = 20;
const GIVING_UP_TAKES_MS = 500;
/** What two good clocks are never apart between two looks. */
const CLOCK_WAS_SET_MS = 250;

interface Doing {
  removal: PodRemoval;
  driver: SessionDriver;
  metrics: LifecycleMetrics;
  logger: Logger;
}

/**
 * Ends what is idle or past its lifetime. Looks only at what is due, the most overdue first; each session is marked,
 * compared once more in the store, and only then deleted, so that a request that came in between always wins. One
 * that cannot be ended now leaves the head of the queue for a while.
 */
export class ReaperTask implements LeaderPass {
  readonly name = 'reaper';
  /** The store's time less our monotonic clock. */
  private storeAheadMs?: number;

  constructor(
    private readonly store: SessionStore,
    private readonly pods: PodDirectory,
    private readonly doing: Doing,
    private readonly timing: { calm: Calm; longestPauseMs: number },
    private readonly clock: Clock,
  ) {}

  async pass(whileLeading: AbortSignal): Promise<{ againInMs: number }> {
    const beganAtMs = this.clock.monotonicMs();
    let lagMs = 0;
    for (;;) {
      const page = await this.dueOrBroken();
      lagMs = Math.max(lagMs, ...page.sessions.map(({ dueAtMs }) => this.store.nowMs() - (dueAtMs ?? Infinity)));
      await this.dealWithAll(page.sessions, whileLeading);
      // What is being given up leaves the queue by the driver's hand, not by this one: asking again at once is no use.
      const isGivingUp = page.sessions.some(({ state }) => state === 'creating');
      if (page.sessions.length === PAGE && !isGivingUp && !whileLeading.aborted) continue;
      this.doing.metrics.reaperPassed((this.clock.monotonicMs() - beganAtMs) / 1_000, lagMs / 1_000);
      const nextInMs = isGivingUp ? GIVING_UP_TAKES_MS : Math.max(SHORTEST_PAUSE_MS, page.nextInMs ?? Infinity);
      return { againInMs: Math.min(this.timing.longestPauseMs, nextInMs) };
    }
  }

  private async dueOrBroken(): ReturnType<SessionStore['due']> {
    try {
      if (!this.pods.isCurrent()) this.timing.calm.broken();
      const page = await this.store.due(PAGE);
      if (this.wasClockSet()) this.timing.calm.broken();
      return page;
    } catch (error) {
      this.timing.calm.broken();
      throw error;
    }
  }

  /** When the store's clock is set forward everything looks unused for that long, until the next heartbeats arrive. */
  private wasClockSet(): boolean {
    const beforeMs = this.storeAheadMs;
    this.storeAheadMs = this.store.nowMs() - this.clock.monotonicMs();
    return beforeMs !== undefined && Math.abs(this.storeAheadMs - beforeMs) > CLOCK_WAS_SET_MS;
  }

  private async dealWithAll(sessions: readonly Session[], whileLeading: AbortSignal): Promise<void> {
    const queue = [...sessions];
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next && !whileLeading.aborted; next = queue.shift())
        await this.dealWithSafely(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  private async dealWithSafely(session: Session): Promise<void> {
    try {
      await this.dealWith(session);
    } catch (error) {
      if (isOutage(error)) this.timing.calm.broken();
      else this.doing.logger.error({ event: 'reaper.failed', sessionId: session.id, error });
      await this.putOff(session);
    }
  }

  /** Not a start: putting it off would give it more time. */
  private async putOff(session: Session): Promise<void> {
    if (session.state !== 'creating') await this.store.postpone(refOf(session), AFTER_A_REFUSAL_MS);
  }

  private async dealWith(session: Session): Promise<void> {
    if (session.state === 'ready' || session.state === 'failed') return this.reap(session);
    this.doing.driver.drive(session.id);
    await this.putOff(session);
  }

  private async reap(session: Session): Promise<void> {
    const reason = reapReason(session, this.store.nowMs());
    // Silence may be an outage's; age never is.
    const calmLeftMs = reason === 'lifetime' ? 0 : calmBeforeReapingMs(session) - this.timing.calm.lastedMs();
    if (!reason || calmLeftMs > 0) return this.store.postpone(refOf(session), Math.max(SHORTEST_PAUSE_MS, calmLeftMs));
    const compare = (): Promise<boolean> => this.compare(session);
    const pod = this.pods.find(session.pod?.uid);
    if (reason === 'idle' && pod?.lastUsedAtMs !== undefined && (await this.isUsedSince(session, pod.lastUsedAtMs)))
      return;
    const isReaped = pod ? await this.doing.removal.remove(pod, reason, compare) : await compare();
    if (!isReaped) return;
    if (reason === 'idle') this.doing.metrics.idleTimeout();
    this.doing.logger.info({ event: 'session.reaped', sessionId: session.id, generation: session.generation, reason });
  }

  /** A replica that is cut off from the store writes to the pod that it is in use; the store is told here. */
  private async isUsedSince(session: Session, podUsedAtMs: number): Promise<boolean> {
    const nowMs = this.store.nowMs();
    if (reapReason({ ...session, lastUsedAtMs: podUsedAtMs }, nowMs)) return false;
    await this.store.touch([{ ...refOf(session), requests: 0, idleForMs: Math.max(0, nowMs - podUsedAtMs) }]);
    return true;
  }

  private async compare(session: Session): Promise<boolean> {
    return (await this.store.reap(refOf(session))) === 'terminating';
  }
}
