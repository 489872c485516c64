import { Gauge, type Registry } from 'prom-client';

import { Leadership } from '../leadership/leadership.js';
import { levelOf } from '../platform/level.js';
import { SESSION_STATES } from './session-states.js';
import { SessionStore, type StoreTally } from './store/session-store.js';
import { PodDirectory } from './view/pod-directory.js';
import { InUse } from './admission/in-use.js';
import { WaitingRoom } from './admission/waiting-room.js';
import { CreationLimiter } from './driving/creation-limiter.js';

export interface Gauged {
  store: SessionStore;
  pods: PodDirectory;
  leadership: Leadership;
  inUse: InUse;
  waiting: WaitingRoom;
  limiter: CreationLimiter;
  maxSessions: number;
  warmPoolTarget: number;
}

/** Levels, read when Prometheus asks. Those of the whole are the same from every replica: aggregate with max. */
export function registerLifecycleGauges(registry: Registry, of: Gauged): void {
  const level = (name: string, help: string, read: () => number): void => levelOf(registry, name, help, read);
  level('session_pods_active', 'Pods that serve or are about to serve a session', () => activePods(of.pods));
  level('session_warm_pool_size', 'Pods that are ready and not assigned yet', () => warmPods(of.pods));
  level('session_warm_pool_target', 'Pods that should be', () => of.warmPoolTarget);
  level('session_capacity_limit', 'Sessions that may have a pod at once', () => of.maxSessions);
  level('session_in_use', 'Sessions that this replica touches because something is or was open to them', () =>
    of.inUse.total(),
  );
  level('session_requests_held', 'Requests held by this replica until their pod is ready', () => of.waiting.size());
  level('session_starts_in_progress', 'Pods this replica is starting', () => of.limiter.counts().starting);
  level(
    'session_starts_queued',
    'Starts this replica has queued behind MAX_CONCURRENT_CREATIONS',
    () => of.limiter.counts().queued,
  );
  level('session_is_leader', '1 while this replica leads', () => (of.leadership.status().isLeader ? 1 : 0));
  level(
    'session_lease_age_seconds',
    'Since the leader was last seen to renew',
    () => (of.leadership.status().renewedMsAgo ?? NaN) / 1_000,
  );
  level('session_watch_age_seconds', 'Since the runtime was last heard of', () => ageSeconds(of.pods));
  registerTally(registry, of.store);
}

function registerTally(registry: Registry, store: SessionStore): void {
  const registers = [registry];
  const up = new Gauge({ name: 'session_store_usable', help: '1 while the store answers and remembers', registers });
  const counted = new Gauge({
    name: 'session_capacity_used',
    help: 'Sessions that count towards the limit',
    registers,
  });
  new Gauge({
    name: 'sessions',
    help: 'Sessions in the store, by state',
    labelNames: ['state'],
    registers,
    async collect() {
      const tally = await store.tally().catch((): StoreTally | undefined => undefined);
      up.set(tally ? 1 : 0);
      if (!tally) return;
      counted.set(tally.counted);
      for (const state of SESSION_STATES) this.set({ state }, tally.byState[state]);
    },
  });
}

function activePods(pods: PodDirectory): number {
  return pods.all().filter(({ assignment, deleting, phase }) => assignment && !deleting && phase !== 'dead').length;
}

function warmPods(pods: PodDirectory): number {
  const free = pods.warm().filter(({ deleting, markedUntilMs }) => !deleting && markedUntilMs === undefined);
  return free.filter(({ phase }) => phase === 'ready').length;
}

function ageSeconds(pods: PodDirectory): number {
  const ageMs = pods.ageMs();
  return ageMs === 'unsynced' ? NaN : ageMs / 1_000;
}
