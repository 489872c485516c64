import type { PodHeldBack } from '../lifecycle.errors.js';
import type { SessionId } from '../session-id.js';
import type { Failure, Session } from '../session.js';

/** Why the runtime did not make a session's pod yet, for as long as it is being started: what a client is told meanwhile. */
export class HeldBackStarts {
  private readonly reasons = new Map<SessionId, { generation: number; failure: Failure }>();

  note({ id, generation }: Session, { reason, message }: PodHeldBack, atMs: number): void {
    this.reasons.set(id, { generation, failure: { reason, message, atMs } });
  }

  find({ id, generation, state, pod }: Session): Failure | undefined {
    const standing = this.reasons.get(id);
    return standing?.generation === generation && state === 'creating' && !pod ? standing.failure : undefined;
  }

  forget(id: SessionId): void {
    this.reasons.delete(id);
  }
}
