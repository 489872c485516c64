import type { ClientRequest } from '../replica/client-request.js';
import type { MakeCheck } from './check.js';
import { HELD_FOR_MS, isWell } from './requests.js';

const WELL_FOR_MS = 8_000;

/** What is held for an opening that ends is refused; it does not slip into the next one. A pod that was there may answer. */
export const heldAreTold: MakeCheck = (world, violated) => {
  const told = new Map<ClientRequest, number>();
  return {
    recordChanged(after, before) {
      const isEnd = after.state === 'terminating' && after.endedBy === 'request';
      if (!isEnd || (before?.state !== 'creating' && before?.state !== 'ready')) return;
      const answeredBy = before.state === 'ready' ? before.opening : 0;
      const { nowMs } = world.time;
      for (const request of world.workload.requests) {
        const { id, isOver, heldSinceMs = Infinity } = request;
        if (id !== after.id || isOver || told.has(request) || nowMs - heldSinceMs < HELD_FOR_MS) continue;
        if (isWell(world, request, nowMs - WELL_FOR_MS)) told.set(request, answeredBy);
      }
    },
    requestEnded(request) {
      const answeredBy = told.get(request) ?? Infinity;
      const opening = request.reached?.life.assignment?.opening ?? Infinity;
      if (request.outcome === '200' && opening > answeredBy)
        violated(`${request.name} was held for ${request.id} when that was ended, and ended with 200`);
    },
  };
};

/** By the clock of the store, the latest that it ever showed; what the store forgot before is not its to keep. */
export const tombstonesAreKept: MakeCheck = (world, violated) => {
  const graves = new Map<string, { owner: string; untilMs: number }>();
  const keptMs = world.setting.tombstoneMs;
  let latestMs = 0;
  const look = (): number => (latestMs = Math.max(latestMs, world.store.nowMs()));
  return {
    looked: () => void look(),
    memoryLost: () => graves.clear(),
    recordChanged(after) {
      const { id, owner, state } = after;
      const grave = graves.get(id);
      graves.delete(id);
      const nowMs = world.store.nowMs();
      look();
      if (state === 'ended') graves.set(id, { owner, untilMs: nowMs + keptMs });
      else if (grave && grave.owner !== owner && latestMs < grave.untilMs)
        violated(`${id} of ${grave.owner} is ${owner}'s`);
    },
  };
};
