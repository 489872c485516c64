import { PodHeldBack, PodRefused } from '../lifecycle.errors.js';
import type { Pod, PodOrder } from '../runtime/pod.js';
import { sessionHash } from '../runtime/pod-name.js';
import { SessionRuntime } from '../runtime/session-runtime.js';
import type { Session } from '../session.js';
import type { Template } from '../templates/template.js';
import { PodDirectory } from '../view/pod-directory.js';

/** With more conflicts than this somebody else is emptying the pool: a cold start is quicker than the queue. */
const MOST_CLAIMS = 8;

export type Made = Pod | 'name-taken' | PodRefused | PodHeldBack;

/** Where the pod of a creating session comes from: a warm one if there is a fitting one, else a new one. */
export class PodMaking {
  constructor(
    private readonly runtime: SessionRuntime,
    private readonly pods: PodDirectory,
  ) {}

  /** A pod that is warm already has its environment: a session with one of its own starts cold. */
  candidates(session: Session, definition: Template): readonly Pod[] {
    if (Object.keys(session.env).length > 0) return [];
    return this.pods.warm().filter((pod) => isClaimable(pod, definition));
  }

  /** The patch decides who of several gets a warm pod; who comes second takes the next. */
  async claim(session: Session, definition: Template): Promise<Pod | undefined> {
    const candidates = this.candidates(session, definition);
    const first = candidates.length === 0 ? 0 : placeOf(session) % candidates.length;
    const inTurn = [...candidates.slice(first), ...candidates.slice(0, first)].slice(0, MOST_CLAIMS);
    for (const warm of inTurn) {
      const claimed = await this.runtime.claim(warm, orderOf(session, definition));
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
