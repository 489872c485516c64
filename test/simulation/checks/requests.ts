import type { ClientRequest } from '../replica/client-request.js';
import type { World } from '../world.js';
import type { MakeCheck } from './check.js';

/** Held for a start that fails at its deadline, three times over, and dialled for as long. */
const LONGEST_MS = 3 * (30_000 + 5_000 + 5_000) + 10_000;
/** By then every replica that is well has heard of it. */
const HEARD_WITHIN_MS = 8_000;
/** By then who came is held, and not still on its way to the store. */
export const HELD_FOR_MS = 200;

export const noRequestHangs: MakeCheck = (world, violated) => ({
  looked() {
    for (const request of waiting(world)) {
      if (request.run!.process.isPaused) continue;
      const sinceMs = Math.max(request.acceptedAtMs, request.run!.process.wokeAtMs);
      if (world.time.nowMs - sinceMs > LONGEST_MS)
        violated(`${request.name} for ${request.id} waits since ${sinceMs} ms`);
    }
  },
});

/** Nobody is held for a pod that is ready, nor for a session that was ended; as far as the replica is well. */
export const nobodyWaitsInVain: MakeCheck = (world, violated) => {
  const readySinceMs = new Map<string, number>();
  const endedAtMs = new Map<string, number>();
  return {
    recordChanged(after, before) {
      const isEnd = after.state === 'terminating' && after.endedBy === 'request' && before?.state !== 'terminating';
      if (isEnd) endedAtMs.set(after.id, world.time.nowMs);
    },
    looked() {
      const { nowMs } = world.time;
      for (const id of world.ids) {
        if (!isReady(world, id)) readySinceMs.delete(id);
        else if (!readySinceMs.has(id)) readySinceMs.set(id, nowMs);
      }
      for (const request of waiting(world)) {
        if (request.heldSinceMs === undefined || !isWell(world, request, nowMs - HEARD_WITHIN_MS)) continue;
        const sinceMs = Math.max(request.heldSinceMs, readySinceMs.get(request.id) ?? Infinity);
        if (nowMs - sinceMs > HEARD_WITHIN_MS) violated(`${request.name} waits for ${request.id}, which is ready`);
        const endMs = endedAtMs.get(request.id) ?? -Infinity;
        if (endMs > request.heldSinceMs + HELD_FOR_MS && nowMs - endMs > HEARD_WITHIN_MS)
          violated(`${request.name} still waits for ${request.id}, which was ended ${nowMs - endMs} ms ago`);
      }
    },
  };
};

/** Where nothing fails nobody is refused but for what clients did. */
export const calmWorldsAnswer: MakeCheck = (world, violated) => {
  const known = new Set(['SESSION_NOT_FOUND', 'GENERATION_MISMATCH', 'SESSION_TERMINATING', 'the client hangs up']);
  if (world.setting.maxSessions < 1_000) known.add('CAPACITY_EXHAUSTED');
  if (world.setting.maxSessionsPerOwner > 0) known.add('OWNER_LIMIT');
  return {
    requestEnded({ name, outcome = '', reached, id }) {
      if (!world.setting.calm || !/^[A-Z]|^the /.test(outcome) || known.has(outcome)) return;
      const isCutByEnd = outcome === 'POD_LOST' && !isServedBy(world, id, reached?.life.uid);
      if (!isCutByEnd) violated(`${name} for ${id} ended with ${outcome}`);
    },
  };
};

function isServedBy(world: World, id: ClientRequest['id'], uid: string | undefined): boolean {
  const record = world.store.peek(id);
  return record?.state === 'ready' && record.pod?.uid === uid;
}

function waiting(world: World): ClientRequest[] {
  return world.workload.requests.filter(({ isOver, run, reached }) => !isOver && run !== undefined && !reached);
}

function isReady(world: World, id: string): boolean {
  const record = world.store.peek(id as (typeof world.ids)[number]);
  const pod = world.cluster.pods.get(record?.pod?.uid ?? '');
  const life = world.cluster.lives.get(pod?.uid ?? '');
  const isUp = pod?.phase === 'ready' && pod.markedUntilMs === undefined && !pod.deleting && life?.isListening;
  return record?.state === 'ready' && isUp === true && world.store.remembers;
}

/** Its replica runs since then, reaches everything and hears of everything. */
export function isWell(world: World, { run }: ClientRequest, sinceMs: number): boolean {
  const { process } = run!;
  const { storeWay, apiWay, hearing, watchWay } = world.replicaOf(run!);
  if (!process.isRunning || process.wokeAtMs > sinceMs || process.bornAtMs > sinceMs) return false;
  return (
    run!.runtime.feed?.isListed === true &&
    [storeWay, apiWay, hearing, watchWay].every(({ goodSinceMs }) => goodSinceMs <= sinceMs)
  );
}
