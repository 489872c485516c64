import type { LeaseRecord } from './lease-record.js';

export interface Lease {
  record: LeaseRecord;
  /** Changes with every write. */
  version: string;
}

/** Where the one lease is kept. A call that throws may have been done nevertheless. */
export interface LeaseLock {
  get(): Promise<Lease | undefined>;
  /** 'conflict': it exists. */
  create(record: LeaseRecord): Promise<Lease | 'conflict'>;
  /** 'conflict': it is no longer what `lease` says, or is no more. */
  update(lease: Lease, record: LeaseRecord): Promise<Lease | 'conflict'>;
  /** Tells of every change it hears of, maybe late and maybe not of every one. */
  watch(changed: (lease: Lease | undefined) => void): LeaseWatch;
}

export interface LeaseWatch {
  start(): void;
  stop(): Promise<void>;
}
