import { isCounted, SESSION_STATES, type SessionState } from '../session-states.js';
import type { Session } from '../session.js';
import type { Refused, StoreLimits, StoreTally } from './session-store.js';

/** How many sessions there are of each state, and how many count towards the limits, all and per owner. */
export class SessionCounts {
  private readonly byState = Object.fromEntries(SESSION_STATES.map((state) => [state, 0])) as Record<
    SessionState,
    number
  >;
  private readonly byOwner = new Map<string, number>();
  private counted = 0;

  constructor(private readonly limits: Pick<StoreLimits, 'maxSessions' | 'maxSessionsPerOwner'>) {}

  moved(before: Session | undefined, after: Session | undefined): void {
    if (before) this.add(before, -1);
    if (after) this.add(after, 1);
  }

  /** Why one more of this owner is refused; undefined: there is room. */
  refusal(owner: string): Refused | undefined {
    const { maxSessions, maxSessionsPerOwner } = this.limits;
    if (maxSessionsPerOwner > 0 && (this.byOwner.get(owner) ?? 0) >= maxSessionsPerOwner) return 'owner-limit';
    return this.counted >= maxSessions ? 'session-limit' : undefined;
  }

  tally(): StoreTally {
    return { counted: this.counted, byState: { ...this.byState } };
  }

  private add(session: Session, sign: 1 | -1): void {
    this.byState[session.state] += sign;
    if (!isCounted(session.state)) return;
    this.counted += sign;
    const ofOwner = (this.byOwner.get(session.owner) ?? 0) + sign;
    if (ofOwner > 0) this.byOwner.set(session.owner, ofOwner);
    else this.byOwner.delete(session.owner);
  }
}
