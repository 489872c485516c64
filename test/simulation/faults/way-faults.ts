import type { Chance } from '../engine/chance.js';
import { changeWay, type Way } from '../engine/link.js';
import type { SimulatedReplica } from '../replica/simulated-replica.js';
import type { World } from '../world.js';
import type { Fault } from './faults.js';

/** Shut, one way or the other; opens again when the fault is over. */
function shut(world: World, chance: Chance, found: readonly Way[]): () => void {
  const state = chance.oneOf(['refusing', 'stalled'] as const);
  for (const way of found) changeWay(way, { state }, world.time.nowMs);
  return () => {
    for (const way of found) changeWay(way, { state: 'open' }, world.time.nowMs);
  };
}

function lossy(world: World, chance: Chance, found: readonly Way[]): () => void {
  const facts = { loss: chance.between(0.02, 0.3), slowMs: chance.mostlyNear(0, 1_500) };
  for (const way of found) changeWay(way, facts, world.time.nowMs);
  return () => {
    for (const way of found) changeWay(way, { loss: 0, slowMs: 0 }, world.time.nowMs);
  };
}

const everyStoreWay = (world: World): readonly Way[] => world.replicas.map(({ storeWay }) => storeWay);
const everyApiWay = (world: World): readonly Way[] => world.replicas.map(({ apiWay }) => apiWay);

/** A connection that is refused is one that broke: the watch on it ends. */
function tellWatch(replica: SimulatedReplica): void {
  const { run, apiWay } = replica;
  if (run && apiWay.state === 'refusing') run.process.deliver(() => run.runtime.feed?.cut('connection refused'));
}

/** A stalled connection brings nothing to the watch either; what was held back comes when it moves again. */
function withWatches(world: World, replicas: readonly SimulatedReplica[], end: () => void): () => void {
  const wasStalled = replicas.filter(({ apiWay }) => apiWay.state === 'stalled');
  for (const replica of replicas) tellWatch(replica);
  for (const replica of wasStalled) freeze(replica);
  return () => {
    end();
    for (const replica of wasStalled) thaw(replica);
  };
}

function freeze({ watchWay }: SimulatedReplica): void {
  Object.assign(watchWay, { isFrozen: true, goodSinceMs: Infinity });
}

function thaw({ watchWay, run, world }: SimulatedReplica): void {
  Object.assign(watchWay, { isFrozen: false, goodSinceMs: world.time.nowMs });
  run?.runtime.feed?.thaw();
}

export const storeAway: Fault = (world, chance) => shut(world, chance, everyStoreWay(world));

export const storeCut: Fault = (world, chance) => {
  const replica = chance.oneOf(world.replicas);
  world.story.tell('FAULT', `it is ${replica.name}`);
  return shut(world, chance, [replica.storeWay]);
};

export const storeLossy: Fault = (world, chance) => lossy(world, chance, everyStoreWay(world));

export const apiAway: Fault = (world, chance) =>
  withWatches(world, world.replicas, shut(world, chance, everyApiWay(world)));

export const apiCut: Fault = (world, chance) => {
  const replica = chance.oneOf(world.replicas);
  world.story.tell('FAULT', `it is ${replica.name}`);
  return withWatches(world, [replica], shut(world, chance, [replica.apiWay]));
};

export const apiLossy: Fault = (world, chance) => lossy(world, chance, everyApiWay(world));

export const watchFrozen: Fault = (world, chance) => {
  const replica = chance.oneOf(world.replicas);
  world.story.tell('FAULT', `it is ${replica.name}`);
  freeze(replica);
  return () => thaw(replica);
};

export const cutOff: Fault = (world, chance) => {
  const replica = chance.oneOf(world.replicas);
  world.story.tell('FAULT', `it is ${replica.name}`);
  return withWatches(world, [replica], shut(world, chance, [replica.storeWay, replica.apiWay]));
};

export const flush: Fault = (world) => {
  world.store.flush();
  return undefined;
};

export const rollBack: Fault = (world, chance) => {
  const byMs = chance.mostlyNear(100, 6_000);
  world.story.tell('FAULT', `${byMs.toFixed(0)} ms of them`);
  world.store.rollBack(byMs);
  return undefined;
};

export const storeClockSet: Fault = (world, chance) => {
  const byMs = chance.between(-15_000, 15_000);
  world.story.tell('FAULT', `by ${byMs.toFixed(0)} ms`);
  world.store.setClock(byMs, world.time.nowMs);
  return undefined;
};

export const newsLost: Fault = (world, chance) => {
  const deaf = chance.happens(0.5) ? world.replicas : [chance.oneOf(world.replicas)];
  const facts = { loss: chance.between(0.2, 1), slowMs: chance.mostlyNear(0, 2_000) };
  for (const { hearing } of deaf) Object.assign(hearing, { ...facts, goodSinceMs: Infinity });
  return () => {
    const whole = { loss: 0, slowMs: 0, goodSinceMs: world.time.nowMs };
    for (const { hearing } of deaf) Object.assign(hearing, whole);
  };
};

export const leaseRemoved: Fault = (world) => {
  world.lease.remove();
  world.leaseRemovedAtMs = world.time.nowMs;
  return undefined;
};
