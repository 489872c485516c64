import type { SessionId } from '../../../src/lifecycle/session-id.js';
import type { World } from '../world.js';

const AGAIN_MS = 2_000;
/** Back-offs of up to a minute, a new leader, a start. */
const WITHIN_MS = 150_000;
/** Whoever is told this has been answered: the session is there and belongs to another, or there is no place. */
const ANSWERS = new Set(['200', 'SESSION_NOT_FOUND', 'CAPACITY_EXHAUSTED', 'OWNER_LIMIT']);

/** When all faults are over every session can be had again: its owner asks until it is. */
export class Probes {
  private readonly unanswered: Set<SessionId>;
  private readonly sinceMs: number;

  constructor(private readonly world: World) {
    this.unanswered = new Set(world.ids);
    this.sinceMs = world.time.nowMs;
    for (const id of world.ids) this.ask(id);
  }

  get areAnswered(): boolean {
    return this.unanswered.size === 0;
  }

  private ask(id: SessionId): void {
    const { workload, time } = this.world;
    const request = workload.make(id, workload.ownerOf(id), { call: 'execute', serviceMs: 5, hasBody: false });
    request.onOver(() => {
      if (ANSWERS.has(request.outcome!)) return void this.unanswered.delete(id);
      if (time.nowMs - this.sinceMs < WITHIN_MS) time.after(AGAIN_MS, () => this.ask(id));
      else this.world.violated('when all is well again every session can be had', `${id} cannot: ${request.outcome}`);
    });
    workload.send(request);
  }
}
