import type { PodLife } from '../cluster/pod-life.js';
import type { Chance } from '../engine/chance.js';
import type { World } from '../world.js';
import type { Fault } from './faults.js';

function someLife(world: World, chance: Chance): PodLife | undefined {
  const lives = [...world.cluster.lives.values()].filter((life) => !life.isOver);
  return lives.length === 0 ? undefined : chance.oneOf(lives);
}

export const podCrashes: Fault = (world, chance) => {
  const life = someLife(world, chance);
  if (life) world.story.tell('node', `the container of pod ${life.uid} ends`);
  life?.crash();
  return undefined;
};

export const podCrashLoops: Fault = (world, chance) => {
  let isOn = true;
  const id = chance.oneOf(world.ids);
  const again = (): void => {
    if (!isOn) return;
    for (const life of world.cluster.lives.values()) if (life.assignment?.id === id) life.crash();
    world.time.after(chance.between(500, 3_000), again);
  };
  again();
  return () => (isOn = false);
};

export const podEvicted: Fault = (world, chance) => {
  const pods = world.cluster.all();
  if (pods.length > 0) world.cluster.evict(chance.oneOf(pods), 'Evicted');
  return undefined;
};

export const podDeleted: Fault = (world, chance) => {
  const pods = world.cluster.all().filter(({ deleting }) => !deleting);
  if (pods.length > 0) world.cluster.deleteByHand(chance.oneOf(pods), chance.happens(0.3));
  return undefined;
};

export const nodeLost: Fault = (world, chance) => {
  world.cluster.loseNode(`node-${1 + chance.below(3)}`, chance.between(5_000, 15_000));
  return undefined;
};

export const slowStarts: Fault = (world) => {
  const { cluster } = world;
  cluster.startsSlowly = true;
  return () => (cluster.startsSlowly = false);
};

export const quotaUsedUp: Fault = (world) => {
  world.cluster.isFull = true;
  return () => (world.cluster.isFull = false);
};
