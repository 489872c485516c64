import { PodHeldBack, PodRefused } from '../lifecycle.errors.js';
import type { Pod, PodOrder } from '../runtime/pod.js';
import { sessionHash } from '../runtime/pod-name.js';
import { type Compared, SessionRuntime } from '../runtime/session-runtime.js';
import type { Session } from '../session.js';
import type { Template } from '../templates/template.js';
import { PodDirectory } from '../view/pod-directory.js';

/** With more conflicts than this somebody else is emptying the pool: a cold start is quicker than the queue. */
const MOST_CLAIMS = 8;

export type Made = Pod | 'name-taken' | PodRefused | PodHeldBack;

/** Where the pod of a creating session comes from: a warm one if there is a fitting one, else a new one. */
export class PodMaking {
  /** The revision of each warm pod that this replica has tried to claim: until it is seen to change, it is taken. */
  private readonly tried = new Map<string, string>();

  constructor(
    private readonly runtime: SessionRuntime,
    private readonly pods: PodDirectory,
  ) {}

  /**
   * A pod that is warm already has its environment: a session with one of its own starts cold. So does one that was
   * tried before: whoever tried may still be at it, and a cold pod of that name is the same pod for both.
   */
  candidates(session: Session, definition: Template): readonly Pod[] {
    if (Object.keys(session.env).length > 0 || session.triedAtMs !== undefined) return [];
    return this.pods.warm().filter((pod) => isClaimable(pod, definition) && this.tried.get(pod.uid) !== pod.revision);
  }

  /** The patch decides who of several gets a warm pod; who comes second takes the next. */
  async claim(session: Session, definition: Template): Promise<Pod | undefined> {
    for (let claims = 0; claims < MOST_CLAIMS; claims += 1) {
      const candidates = this.candidates(session, definition);
      const warm = candidates[placeOf(session) % candidates.length];
      if (!warm) return undefined;
      const claimed = await this.tryClaim(warm, orderOf(session, definition));
      if (typeof claimed === 'object') return claimed;
    }
    return undefined;
  }

  async create(session: Session, definition: Template): Promise<Made> {
    return this.runtime.create(orderOf(session, definition)).catch((error: unknown) => {
      if (error instanceof PodRefused || error instanceof PodHeldBack) return error;
      throw error;
    });
  }

  private async tryClaim(warm: Pod, order: PodOrder): Promise<Compared> {
    this.forgetSettled();
    this.tried.set(warm.uid, warm.revision);
    try {
      return await this.runtime.claim(warm, order);
    } catch (error) {
      this.tried.delete(warm.uid);
      throw error;
    }
  }

  /** What the view shows as taken or gone is no candidate anyway. */
  private forgetSettled(): void {
    for (const uid of this.tried.keys()) {
      const pod = this.pods.find(uid);
      if (!pod || pod.assignment) this.tried.delete(uid);
    }
  }
}

export function isClaimable({ phase, templateHash, template, ...pod }: Pod, definition: Template): boolean {
  const isFree = pod.wasWarm && !pod.assignment && pod.markedUntilMs === undefined && !pod.deleting;
  return isFree && phase === 'ready' && template === definition.name && templateHash === definition.hash;
}

function orderOf(session: Session, definition: Template): PodOrder {
  const { id, owner, generation, opening, template, env, idleTimeoutMs, maxLifetimeMs, openedAtMs } = session;
  const assignment = { id, owner, generation, opening, template, env, idleTimeoutMs, maxLifetimeMs, openedAtMs };
  return { ...assignment, definition };
}

/** Spreads sessions that start at the same time, on whichever replica, over the pool. */
function placeOf({ id }: Session): number {
  return Number.parseInt(sessionHash(id).slice(0, 8), 16);
}
