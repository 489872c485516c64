import type { ClientRequest } from '../replica/client-request.js';
import type { ReplicaRun } from '../replica/replica-run.js';
import type { World } from '../world.js';

/** The longest pause between two tries to watch again, and a try that is not answered. */
const WATCHED_AGAIN_WITHIN_MS = 20_500;
/** Missed notifications are noticed within two seconds, and then all is read again. */
const HEARD_AGAIN_WITHIN_MS = 5_000;

/**
 * An address that changed hands is known in two ways: the watch shows that its pod is gone, the store that its record has
 * moved. A replica that is cut from both goes on for a minute; and while nobody has seen that a pod is gone (Kubernetes
 * was away, or has just come back) the store does not know either. Then only the pod itself can say 421, which the pods
 * here do not.
 */
export function couldNotKnow(world: World, { id }: ClientRequest, run: ReplicaRun): boolean {
  if (!isBlind(world, run)) return false;
  return isDeaf(world, run) || isUnnoticed(world, id);
}

function isBlind(world: World, run: ReplicaRun): boolean {
  const { apiWay, watchWay } = world.replicaOf(run);
  const sinceMs = world.time.nowMs - WATCHED_AGAIN_WITHIN_MS;
  return apiWay.goodSinceMs > sinceMs || watchWay.goodSinceMs > sinceMs;
}

function isDeaf(world: World, run: ReplicaRun): boolean {
  const { storeWay, hearing } = world.replicaOf(run);
  const sinceMs = world.time.nowMs - HEARD_AGAIN_WITHIN_MS;
  return !world.store.remembers || storeWay.goodSinceMs > sinceMs || hearing.goodSinceMs > sinceMs;
}

/** The record names a pod that is not there any more. */
function isUnnoticed(world: World, id: ClientRequest['id']): boolean {
  const record = world.store.peek(id);
  const life = world.cluster.lives.get(record?.pod?.uid ?? '');
  return record?.state === 'ready' && (life === undefined || life.isOver);
}
