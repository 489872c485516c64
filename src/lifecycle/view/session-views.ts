import { expiresAtMs } from '../deadlines.js';
import type { SessionId } from '../session-id.js';
import { type SessionView, shownState } from '../sessions.js';
import type { Pod } from '../runtime/pod.js';
import type { Failure, Session } from '../session.js';
import { PodDirectory } from './pod-directory.js';
import { SessionDirectory } from './session-directory.js';

/** What this replica alone knows of a session. */
export interface OwnKnowledge {
  inFlight(id: SessionId): number;
  heldFor(id: SessionId): number;
  unrecorded(id: SessionId): number;
  /** Why its pod is not made yet. */
  heldBack(session: Session): Failure | undefined;
}

/** Puts together what is shown of a session: the record, its pod, and what is open to it here. */
export class SessionViews {
  constructor(
    private readonly sessions: SessionDirectory,
    private readonly pods: PodDirectory,
    private readonly own: OwnKnowledge,
  ) {}

  of(session: Session): SessionView {
    const pod = this.pods.find(session.pod?.uid);
    return {
      id: session.id,
      state: shownState(session),
      generation: session.generation,
      restarts: pod?.restarts ?? 0,
      template: session.template,
      owner: session.owner,
      pod: session.pod && { name: session.pod.name, address: session.pod.address, node: pod?.node ?? session.pod.node },
      createdAtMs: session.openedAtMs,
      lastActivityAtMs: session.lastUsedAtMs,
      dueAtMs: session.dueAtMs,
      expiresAtMs: expiresAtMs(session),
      requests: session.requests + this.own.unrecorded(session.id),
      inFlight: this.own.inFlight(session.id) + this.own.heldFor(session.id),
      lastFailure: this.presentFailure(session, pod) ?? session.lastFailure,
      endedBy: session.endedBy,
    };
  }

  /** What holds up a start that is under way: nobody should have to wait for its deadline to read that. */
  private presentFailure(session: Session, pod: Pod | undefined): Failure | undefined {
    if (session.state !== 'creating') return undefined;
    return pod?.failure ? { ...pod.failure, atMs: pod.createdAtMs } : this.own.heldBack(session);
  }

  /** As it is now, if it is still known; else as it was. */
  current(id: SessionId, otherwise: Session): SessionView {
    return this.of(this.sessions.find(id) ?? otherwise);
  }
}
