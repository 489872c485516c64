import type { SessionStore, StoreLimits } from '../../../src/lifecycle/store/session-store.js';

/**
 * How one adapter is put up for the suite. The store it hands over is usable (its marker is set) and empty, and
 * shares nothing with the one before.
 */
export interface StoreHarness {
  store: SessionStore;
  /** Lets at least `ms` pass on the store's clock. */
  advance(ms: number): Promise<void>;
  /** The store forgets all it held, as by a flush: its marker is gone, too. */
  loseMemory(): Promise<void>;
  /** The store begins a new epoch with its records kept, as by a restart from its file. Only where `Pace` says so. */
  restart?(): Promise<void>;
  /** The store as another replica reaches it. */
  secondReplica(): Promise<SessionStore>;
  close(): Promise<void>;
}

export type MakeStoreHarness = (limits: StoreLimits) => Promise<StoreHarness>;

/**
 * The time that the suite lives in. All time-outs that it sets are multiples of the unit. A store on a virtual clock
 * is held to the millisecond; one on a real clock takes a unit of some 200 ms and a margin that covers the time its
 * calls take, and the suite then stays that far from every border.
 */
export interface Pace {
  unitMs: number;
  marginMs: number;
  /** The harness has a `restart`. */
  keepsRecordsOverRestart: boolean;
  /** A case that would take longer than this is not defined. */
  longestWaitMs: number;
}

export const VIRTUAL_TIME: Pace = {
  unitMs: 1_000,
  marginMs: 1,
  keepsRecordsOverRestart: false,
  longestWaitMs: Infinity,
};
