import type { SessionId } from '../session-id.js';

/**
 * MAX_CONCURRENT_CREATIONS: so many sessions may be starting at once, further ones queue in the order they came. A
 * place is held until the pod is ready or given up, not just until it was ordered: starting is what costs.
 */
export class CreationLimiter {
  private readonly held = new Set<SessionId>();
  private readonly queue = new Set<SessionId>();

  /** `placed` is told when a queued session got a place. */
  constructor(
    private readonly places: number,
    private readonly placed: (id: SessionId) => void,
  ) {}

  /** True if this session has a place now; else it is in the queue. */
  tryAcquire(id: SessionId): boolean {
    if (this.held.has(id)) return true;
    if (this.held.size >= this.places) {
      this.queue.add(id);
      return false;
    }
    this.held.add(id);
    return true;
  }

  /** Gives up the place, or the wish for one. */
  release(id: SessionId): void {
    this.queue.delete(id);
    if (!this.held.delete(id)) return;
    const [next] = this.queue;
    if (next === undefined) return;
    this.queue.delete(next);
    this.held.add(next);
    this.placed(next);
  }

  counts(): { starting: number; queued: number } {
    return { starting: this.held.size, queued: this.queue.size };
  }
}
