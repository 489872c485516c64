import type { Fleet } from './fleet.js';
import { ObjectHistory } from './object-history.js';

interface LeaseObject {
  metadata: { resourceVersion: string };
  spec: { holderIdentity?: string; acquireTime: string; renewTime: string; leaseTransitions: number };
}

/** One replica's time as the leader, by what it wrote in the Lease; all replicas of a test share one wall clock. */
export interface Lead {
  holder: string;
  transitions: number;
  fromMs: number;
  renewedAtMs: number;
  /** It gave the Lease up by itself. */
  releasedAtMs?: number;
}

/** Sees every version of the Lease. */
export class LeaseWitness {
  private constructor(private readonly history: ObjectHistory<LeaseObject>) {}

  static async of(fleet: Fleet): Promise<LeaseWitness> {
    return new LeaseWitness(await ObjectHistory.leases<LeaseObject>(fleet.own));
  }

  stop(): Promise<void> {
    return this.history.stop();
  }

  /** Who led, one after the other. */
  leads(): Lead[] {
    const leads: Lead[] = [];
    for (const { object } of this.history.versions) {
      const { holderIdentity: holder, acquireTime, renewTime, leaseTransitions: transitions } = object.spec;
      const last = leads.at(-1);
      if (!holder) {
        if (last) last.releasedAtMs ??= Date.parse(renewTime);
      } else if (last?.holder === holder && last.releasedAtMs === undefined) {
        last.renewedAtMs = Date.parse(renewTime);
      } else {
        leads.push({ holder, transitions, fromMs: Date.parse(acquireTime), renewedAtMs: Date.parse(renewTime) });
      }
    }
    return leads;
  }
}
