import { Clock } from '../../platform/clock.js';
import { LifecycleError } from '../lifecycle.errors.js';
import type { SessionId } from '../session-id.js';

/** What a look at the facts tells one that waits. */
export type Verdict = 'wait' | 'go' | { refusal: Error };

export interface Hold {
  id: SessionId;
  /** Called now and whenever something about the session changed. */
  look: () => Verdict;
  patienceMs: number;
  /** The client has gone. */
  signal: AbortSignal;
}

interface Waiter {
  look: () => Verdict;
  settle: (outcome: 'go' | 'out-of-patience' | { refusal: Error }) => void;
}

const ASK_AGAIN_MS = 2_000;

/** Where requests are held until their session can be reached; bounded, so that a slow start cannot fill the memory. */
export class WaitingRoom {
  private readonly waiters = new Map<SessionId, Set<Waiter>>();
  private held = 0;
  private closedWith?: Error;

  constructor(
    private readonly clock: Clock,
    private readonly places: number,
  ) {}

  has(id: SessionId): boolean {
    return this.waiters.has(id);
  }

  size(): number {
    return this.held;
  }

  /** Requests that are held for this session. */
  heldFor(id: SessionId): number {
    return this.waiters.get(id)?.size ?? 0;
  }

  /** `go`: look where the session is now. Throws what the look refuses with, or when there is no place. */
  async hold({ id, look, patienceMs, signal }: Hold): Promise<'go' | 'out-of-patience'> {
    const verdict = look();
    if (verdict === 'go') return 'go';
    if (verdict !== 'wait') throw verdict.refusal;
    if (this.closedWith) throw this.closedWith;
    if (patienceMs <= 0) return 'out-of-patience';
    if (this.held >= this.places) throw tooMany();
    const outcome = await this.wait({ id, look, patienceMs, signal });
    if (typeof outcome === 'object') throw outcome.refusal;
    return outcome;
  }

  /** Something about this session changed: everybody who waits for it looks again. */
  wake(id: SessionId): void {
    for (const waiter of this.waiters.get(id) ?? []) {
      const verdict = waiter.look();
      if (verdict !== 'wait') waiter.settle(verdict);
    }
  }

  /** Nobody can carry this on at present. */
  refuse(id: SessionId, refusal: Error): void {
    for (const waiter of this.waiters.get(id) ?? []) waiter.settle({ refusal });
  }

  /** Nobody is held any more, neither who is now nor who comes. */
  close(refusal: Error): void {
    this.closedWith = refusal;
    for (const id of [...this.waiters.keys()]) this.refuse(id, refusal);
  }

  private wait({ id, look, patienceMs, signal }: Hold): Promise<Parameters<Waiter['settle']>[0]> {
    return new Promise((resolve) => {
      const settle: Waiter['settle'] = (outcome) => {
        if (!this.leave(id, waiter)) return;
        timer.cancel();
        signal.removeEventListener('abort', gone);
        resolve(outcome);
      };
      const waiter: Waiter = { look, settle };
      const gone = (): void => settle({ refusal: new LifecycleError('INVALID_REQUEST', 'The client went away.') });
      const timer = this.clock.after(patienceMs, () => settle('out-of-patience'));
      this.enter(id, waiter);
      if (signal.aborted) gone();
      else signal.addEventListener('abort', gone);
    });
  }

  private enter(id: SessionId, waiter: Waiter): void {
    const waiters = this.waiters.get(id) ?? new Set();
    this.waiters.set(id, waiters.add(waiter));
    this.held += 1;
  }

  private leave(id: SessionId, waiter: Waiter): boolean {
    const waiters = this.waiters.get(id);
    if (!waiters?.delete(waiter)) return false;
    if (waiters.size === 0) this.waiters.delete(id);
    this.held -= 1;
    return true;
  }
}

function tooMany(): LifecycleError {
  return new LifecycleError(
    'TOO_MANY_WAITING',
    'Too many requests are waiting for pods to start; try again in a moment.',
    {
      retryAfterMs: ASK_AGAIN_MS,
    },
  );
}
