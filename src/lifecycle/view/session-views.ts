import { expiresAtMs } from '../deadlines.js';
import type { SessionId } from '../session-id.js';
import { type SessionView, shownState } from '../sessions.js';
import type { Session } from '../session.js';
import { PodDirectory } from './pod-directory.js';
import { SessionDirectory } from './session-directory.js';

/** What this replica alone knows of a session's use. */
export interface UseCounts {
  inFlight(id: SessionId): number;
  heldFor(id: SessionId): number;
  unrecorded(id: SessionId): number;
}

/** Puts together what is shown of a session: the record, its pod, and what is open to it here. */
export class SessionViews {
  constructor(
    private readonly sessions: SessionDirectory,
    private readonly pods: PodDirectory,
    private readonly use: UseCounts,
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
      pod: session.pod && { name: session.pod.name, address: session.pod.address, node: session.pod.node },
      createdAtMs: session.openedAtMs,
      lastActivityAtMs: session.lastUsedAtMs,
      dueAtMs: session.dueAtMs,
      expiresAtMs: expiresAtMs(session),
      requests: session.requests + this.use.unrecorded(session.id),
      inFlight: this.use.inFlight(session.id) + this.use.heldFor(session.id),
      lastFailure: session.lastFailure,
      endedBy: session.endedBy,
    };
  }

  /** As it is now, if it is still known; else as it was. */
  current(id: SessionId, otherwise: Session): SessionView {
    return this.of(this.sessions.find(id) ?? otherwise);
  }
}
