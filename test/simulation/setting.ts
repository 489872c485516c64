import type { LeaseDurations } from '../../src/leadership/lease/lease-durations.js';
import type { LifecycleTiming } from '../../src/lifecycle/lifecycle.js';
import type { StoreLimits } from '../../src/lifecycle/store/session-store.js';
import type { PodManners } from './cluster/pod-life.js';
import type { Chance } from './engine/chance.js';
import { type FaultName, FAULT_NAMES } from './faults/faults.js';

/** What one seed's world is like: as small as possible, so that everything meets everything. */
export interface Setting extends LifecycleTiming, StoreLimits {
  replicas: number;
  ids: number;
  idleTimeoutMs: number;
  maxLifetimeMs: number;
  warmPoolSize: number;
  lease: LeaseDurations;
  pods: PodManners;
  addresses: number;
  /** For how long clients come and faults strike. */
  busyMs: number;
  /** How long after one request the next one comes, on average. */
  betweenRequestsMs: number;
  /** What goes wrong here; nothing in a calm world. */
  faults: readonly FaultName[];
  strikes: number;
  calm: boolean;
}

export function settingOf(chance: Chance): Setting {
  const faults = faultsOf(chance);
  return {
    replicas: chance.happens(0.25) ? 2 : 3,
    ids: 2 + chance.below(3),
    idleTimeoutMs: chance.oneOf([8_000, 12_000, 20_000, 24_000]),
    maxLifetimeMs: chance.happens(0.2) ? chance.between(15_000, 60_000) : 0,
    maxSessions: chance.happens(0.2) ? 2 : 1_000,
    maxSessionsPerOwner: chance.happens(0.1) ? 1 : 0,
    warmPoolSize: chance.happens(0.3) ? 1 + chance.below(2) : 0,
    startTimeoutMs: 30_000,
    tombstoneMs: chance.oneOf([5_000, 60_000]),
    drainMs: 8_000,
    cleanupEveryMs: 20_000,
    maxConcurrentCreations: chance.happens(0.1) ? 1 : 50,
    maxPendingRequests: 1_000,
    lease: { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 4_000 },
    pods: { startMs: [50, chance.oneOf([500, 3_000])], reportMs: [5, 300], graceMs: [0, chance.oneOf([100, 3_000])] },
    addresses: 4,
    // Long enough for who is cut off to be told from who stops serving.
    busyMs: faults.includes('a replica is cut from both') && chance.happens(0.5) ? 100_000 : 50_000,
    betweenRequestsMs: chance.oneOf([500, 1_000, 2_500]),
    faults,
    strikes: faults.length === 0 ? 0 : 2 + chance.below(5),
    calm: faults.length === 0,
  };
}

/** Faults that make more of each other. */
const THEMES: readonly (readonly FaultName[])[] = [
  ['Kubernetes is away', 'a pod is deleted by hand', 'a pod is evicted', 'a watch is frozen'],
  ['the store is flushed', 'the store is flushed', 'Kubernetes loses calls', 'a pod is evicted'],
  ['the store is flushed', 'a replica is paused', 'Kubernetes loses calls', 'a container keeps ending'],
  ['the store loses its last seconds', 'a replica dies', 'notifications are lost', 'a container ends'],
  ['notifications are lost', 'notifications are lost', 'pods start slowly', 'the quota is used up'],
  ['a replica is cut from both', 'a replica is cut from both', 'a pod is evicted'],
  ['the store loses calls', 'a replica is paused', 'the replicas are replaced one after another'],
];

/** One kind of fault at a time makes stories that can be read; all of them together find what nobody thought of. */
function faultsOf(chance: Chance): readonly FaultName[] {
  const kind = chance.weighted({ calm: 1, single: 4, pair: 2, theme: 3, storm: 3 });
  if (kind === 'calm') return [];
  if (kind === 'single') return [chance.oneOf(FAULT_NAMES)];
  if (kind === 'pair') return [chance.oneOf(FAULT_NAMES), chance.oneOf(FAULT_NAMES)];
  return kind === 'theme' ? chance.oneOf(THEMES) : FAULT_NAMES;
}
