import type { Lease, LeaseLock, LeaseWatch } from '../../../src/leadership/lease/lease-lock.js';
import type { LeaseRecord } from '../../../src/leadership/lease/lease-record.js';
import type { FakeLease } from '../../support/fake-lease.js';
import type { Link } from '../engine/link.js';
import type { SimulatedProcess } from '../engine/simulated-process.js';
import type { VirtualTime } from '../engine/virtual-time.js';

export interface LeaseLinkParts {
  lease: FakeLease;
  link: Link;
  process: SimulatedProcess;
  time: VirtualTime;
}

/** The one lease as one process reaches it. */
export class LeaseLink implements LeaseLock {
  constructor(private readonly parts: LeaseLinkParts) {}

  get(): Promise<Lease | undefined> {
    return this.parts.link.call('lease.get', () => this.parts.lease.lease);
  }

  create(record: LeaseRecord): Promise<Lease | 'conflict'> {
    const { lease, link } = this.parts;
    return link.call('lease.create', () => (lease.lease ? 'conflict' : lease.put(record)));
  }

  update(seen: Lease, record: LeaseRecord): Promise<Lease | 'conflict'> {
    const { lease, link } = this.parts;
    const isSeen = (): boolean => lease.lease?.version === seen.version;
    return link.call('lease.update', () => (isSeen() ? lease.put(record) : 'conflict'));
  }

  watch(changed: (lease: Lease | undefined) => void): LeaseWatch {
    const { lease, link, process, time } = this.parts;
    let deafen: (() => void) | undefined;
    const stop = (): Promise<void> => {
      deafen?.();
      deafen = undefined;
      return Promise.resolve();
    };
    process.onDeath(() => void stop());
    return {
      start: () => {
        deafen = lease.listen((seen) => {
          // Nobody but its holder is interested in a renewal: hearing of it late or not at all changes nothing.
          if (!link.isOpen) return;
          time.after(link.latencyMs(), () => process.deliver(() => deafen && changed(seen)));
        });
      },
      stop,
    };
  }
}
