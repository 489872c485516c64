import { touchWindowMs } from '../../../src/lifecycle/deadlines.js';
import type { Session } from '../../../src/lifecycle/session.js';
import type { World } from '../world.js';
import type { ClientRequest } from '../replica/client-request.js';
import type { ReplicaRun } from '../replica/replica-run.js';
import type { MakeCheck } from './check.js';

/** A heartbeat that is not answered, and the pause before the next. */
const SILENT_CALL_MS = 3_000;

/**
 * A session in use is never reaped: not while something is open to its pod, nor within its idle timeout after that.
 * Whoever was stopped or dead, or reached neither the store nor Kubernetes, could not tell anybody of it.
 */
export const usedSessionsAreKept: MakeCheck = (world, violated) => ({
  recordChanged(after, before) {
    if (after.state !== 'terminating' || after.endedBy !== 'idle' || before?.state !== 'ready') return;
    const { nowMs } = world.time;
    for (const request of world.workload.requests) {
      const { reached, run } = request;
      if (!reached?.isOwn || reached.life.uid !== before.pod?.uid) continue;
      const windowMs = touchWindowMs(before);
      const lastMs = request.endedAtMs ?? nowMs;
      const idleMs = nowMs - lastMs;
      const sinceMs = nowMs - before.idleTimeoutMs - windowMs;
      const sparedMs = before.idleTimeoutMs - (request.isOver ? imprecisionMs(world, run!, before, sinceMs) : 0);
      if (idleMs >= sparedMs - 1) continue;
      if (couldTell(world, run!, sinceMs))
        violated(`${after.id} was reaped: ${nameOf(request)} ${request.isOver ? `ended ${idleMs} ms ago` : 'is open'}`);
    }
  },
});

/** How much earlier than it ended a use may count from, by the clock of the store. While the store cannot be told, it is written to the pod once in a quarter of the idle timeout, as it begins. */
function imprecisionMs(world: World, run: ReplicaRun, session: Session, sinceMs: number): number {
  const isStoreTold = world.replicaOf(run).storeWay.goodSinceMs <= sinceMs;
  const clockMs = world.store.setForwardSince(sinceMs);
  return clockMs + (isStoreTold ? 0 : session.idleTimeoutMs / 4 + SILENT_CALL_MS);
}

/** It ran all the time since then, and could reach one of the two. */
function couldTell(world: World, run: ReplicaRun, sinceMs: number): boolean {
  const { process } = run;
  if (!process.isRunning || process.wokeAtMs > sinceMs) return false;
  const replica = world.replicaOf(run);
  if (replica.storeWay.goodSinceMs <= sinceMs) return true;
  // What it writes to the pod is by the clock that the store had when it was heard last.
  return replica.apiWay.goodSinceMs <= sinceMs && world.store.clockSetAtMs < sinceMs;
}

function nameOf({ name, run }: ClientRequest): string {
  return `${name} at ${run?.name}`;
}
