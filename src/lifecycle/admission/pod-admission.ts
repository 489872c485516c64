import type { Pod } from '../runtime/pod.js';
import type { Admission } from '../sessions.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';
import { PodDirectory } from '../view/pod-directory.js';
import type { Use } from './pod-use.js';

/** A class and not an object literal: V8 keeps literals with getters alive until a full collection, once per request. */
export class PodAdmission implements Admission {
  readonly id: SessionId;
  readonly entered?: number;
  readonly generation: number;
  readonly address: string;
  readonly start: Admission['start'];
  readonly heldMs: number;

  constructor(
    session: Session,
    private readonly pod: Pod,
    way: Pick<Admission, 'entered' | 'start' | 'heldMs'>,
    private readonly use: Use,
    private readonly pods: PodDirectory,
  ) {
    this.id = session.id;
    this.entered = way.entered;
    this.generation = session.generation;
    this.address = pod.address!;
    this.start = way.start;
    this.heldMs = way.heldMs;
  }

  get restarts(): number {
    return this.pods.find(this.pod.uid)?.restarts ?? this.pod.restarts;
  }

  isFresh(): boolean {
    return this.use.isFresh();
  }

  release(): void {
    this.use.end();
  }
}
