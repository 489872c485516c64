import { touchWindowMs } from '../../../src/lifecycle/deadlines.js';
import { short } from '../cluster/simulated-cluster.js';
import type { MakeCheck } from './check.js';
import { couldNotKnow } from './knowledge.js';

/** A packet under way, and clocks that differ by a ten-thousandth. */
const SLACK_MS = 20;
/** A minute; who was let in just before it was over has a connection made and its use written first. */
const LONGEST_WITHOUT_BOTH_MS = 60_000 + 8_000;

export const noForeignPod: MakeCheck = (world, violated) => ({
  delivered({ request, life, run }) {
    if (couldNotKnow(world, request, run)) return;
    const { assignment } = life;
    const isOwn =
      assignment?.id === request.id && (request.caller.isAdmin || assignment.owner === request.caller.owner);
    if (!isOwn) violated(`${run.name} sent ${request.name} for ${request.id} to pod ${life.uid} of ${assignment?.id}`);
  },
});

/**
 * For one touch window after a record moved, a replica may send on the strength of its last touch: the address is not
 * given to another session for so long.
 */
export const onlyTheNamedPod: MakeCheck = (world, violated) => {
  const namedUntilMs = new Map<string, number>();
  return {
    recordChanged(after, before) {
      const uid = after.state === 'ready' ? after.pod?.uid : undefined;
      if (uid !== undefined) namedUntilMs.set(uid, Infinity);
      const old = before?.state === 'ready' ? before.pod?.uid : undefined;
      if (old !== undefined && old !== uid) namedUntilMs.set(old, world.time.nowMs + touchWindowMs(before!));
    },
    delivered({ request, life, run }) {
      const lateMs = world.time.nowMs - (namedUntilMs.get(life.uid) ?? -Infinity);
      if (lateMs <= SLACK_MS || couldNotKnow(world, request, run)) return;
      const pod = world.cluster.pods.get(life.uid);
      const which = pod ? short(pod) : `pod ${life.uid}`;
      violated(`${run.name} sent ${request.name} to ${which}, which ${request.id} does not name since ${lateMs} ms`);
    },
  };
};

export const nothingServedWhenCutOff: MakeCheck = (world, violated) => ({
  delivered({ request, run }) {
    const storeMs = world.time.nowMs - run.store.answeredAtMs;
    const watchMs = run.runtime.feed?.ageMs() ?? 'unsynced';
    const isBlind = watchMs === 'unsynced' || watchMs > LONGEST_WITHOUT_BOTH_MS;
    if (isBlind && storeMs > LONGEST_WITHOUT_BOTH_MS)
      violated(`${run.name} served ${request.name} though it heard of neither for ${storeMs} ms`);
  },
});
