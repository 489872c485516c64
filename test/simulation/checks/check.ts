import type { Admission } from '../../../src/lifecycle/sessions.js';
import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { Session } from '../../../src/lifecycle/session.js';
import type { PodLife } from '../cluster/pod-life.js';
import type { ClientRequest } from '../replica/client-request.js';
import type { ReplicaRun } from '../replica/replica-run.js';
import type { World } from '../world.js';

/** The first byte of a request is with a pod. */
export interface Delivery {
  request: ClientRequest;
  run: ReplicaRun;
  life: PodLife;
  admission: Admission;
}

/** One promise, and what is looked at to see that it is kept. Each method is told the moment that something happened. */
export interface Check {
  /** `before`: as it stood; undefined: there was no record. */
  recordChanged?(after: Session, before: Session | undefined): void;
  memoryLost?(): void;
  delivered?(delivery: Delivery): void;
  /** Berth deletes this pod. */
  podDeleted?(pod: Pod): void;
  requestEnded?(request: ClientRequest): void;
  /** This run asks the store for what only a leader asks. */
  leaderAsked?(run: ReplicaRun): void;
  /** All that the last step set off has settled. */
  settled?(): void;
  /** Every second. */
  looked?(): void;
}

/** `violated` ends the run; the first violation is the one that counts. */
export type MakeCheck = (world: World, violated: (what: string) => void) => Check;
