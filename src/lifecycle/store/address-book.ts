import { touchWindowMs } from '../deadlines.js';
import type { SessionId } from '../session-id.js';
import type { Session } from '../session.js';

/**
 * Which session an address belongs to, and for one touch window after that still belonged to: for so long a replica
 * may send a request there on the strength of its last touch.
 */
export class AddressBook {
  private readonly holders = new Map<string, { id: SessionId; untilMs: number }>();
  private letGoSinceSweep = 0;

  /** How long the address may not be given to this session; 0: it may. */
  heldMs(address: string, id: SessionId, nowMs: number): number {
    const holder = this.holders.get(address);
    if (!holder || holder.id === id || holder.untilMs <= nowMs) return 0;
    return Number.isFinite(holder.untilMs) ? holder.untilMs - nowMs : touchWindowMs({ idleTimeoutMs: Infinity });
  }

  moved(before: Session | undefined, after: Session, nowMs: number): void {
    const old = reachableAt(before);
    const now = reachableAt(after);
    if (old !== undefined && old !== now && before) this.letGo(old, before, nowMs);
    if (now !== undefined) this.holders.set(now, { id: after.id, untilMs: Infinity });
  }

  private letGo(address: string, session: Session, nowMs: number): void {
    this.sweepSometimes(nowMs);
    this.holders.set(address, { id: session.id, untilMs: nowMs + touchWindowMs(session) });
  }

  /** As rarely as addresses are let go, so that one letting-go costs the same however many are held. */
  private sweepSometimes(nowMs: number): void {
    this.letGoSinceSweep += 1;
    if (this.letGoSinceSweep < this.holders.size) return;
    this.letGoSinceSweep = 0;
    for (const [held, { untilMs }] of this.holders) if (untilMs <= nowMs) this.holders.delete(held);
  }
}

function reachableAt(session: Session | undefined): string | undefined {
  return session?.state === 'ready' ? session.pod?.address : undefined;
}
