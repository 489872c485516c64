import type { Env, Failure } from '../session.js';
import type { SessionId } from '../session-id.js';
import type { Template } from '../templates/template.js';

/**
 * `starting`: not reachable yet. `ready`: answers at `address`. `restarting`: its process or container died and is
 * being started again inside the same pod. `dead`: it will never serve again and has to be replaced.
 */
export type PodPhase = 'starting' | 'ready' | 'restarting' | 'dead';

/** What a pod says of the session it serves; enough to rebuild the record from the pod alone. */
export interface PodAssignment {
  id: SessionId;
  owner: string;
  generation: number;
  opening: number;
  template: string;
  env: Env;
  idleTimeoutMs: number;
  maxLifetimeMs: number;
  openedAtMs: number;
}

/** One pod as the runtime shows it. A warm pod has no assignment yet. */
export interface Pod {
  name: string;
  uid: string;
  /** Changes with every change of the pod; what `mark`, `unmark`, `claim`, `annotate` and `delete` compare. */
  revision: string;
  template: string;
  /** Hash of the template it was made from; a warm pod of another is not claimed. */
  templateHash: string;
  assignment?: PodAssignment;
  phase: PodPhase;
  address?: string;
  node?: string;
  /** Times its process or container was started again. */
  restarts: number;
  /** dead, restarting, or starting without success: why. */
  failure?: Omit<Failure, 'atMs'>;
  /** dead: it crashed by itself (a crash loop), as opposed to being evicted, deleted or lost. */
  crashed?: boolean;
  /** The condemnation: it will be deleted, not before this time, and is never used again. */
  markedUntilMs?: number;
  /** Its deletion has been ordered (by anybody). */
  deleting: boolean;
  createdAtMs: number;
  lastUsedAtMs?: number;
  wasWarm: boolean;
}

export interface PodOrder extends PodAssignment {
  definition: Template;
}
