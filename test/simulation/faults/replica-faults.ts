import type { SimulatedReplica } from '../replica/simulated-replica.js';
import type { Fault } from './faults.js';

export const crash: Fault = (world, chance) => {
  const replica = chance.oneOf(world.replicas);
  replica.crash();
  return () => replica.run?.process.isDead && replica.start();
};

/** SIGSTOP, a frozen machine, a long collection. */
export const pauseReplica: Fault = (world, chance) => {
  const replica = chance.oneOf(world.replicas);
  const run = replica.run;
  if (!run || run.process.isDead) return undefined;
  world.story.tell(run.name, 'is PAUSED');
  run.process.pause();
  return () => {
    world.story.tell(run.name, 'WAKES UP');
    run.process.wake();
  };
};

/** A rolling restart: the next one goes when the new one of the last is in service. */
export const roll: Fault = (world, chance) => {
  const left = [...world.replicas].sort(() => chance.fraction() - 0.5);
  const next = (): void => {
    const replica = left.shift();
    if (!replica) return;
    const run = replica.run;
    if (!run || run.process.isDead || run.isDraining) return next();
    world.story.tell(run.name, 'is told to stop');
    run.process.deliver(() => void run.stop(world.setting.drainMs));
    run.process.onDeath(() => world.time.after(500, () => startAgain(replica, next)));
  };
  next();
  return undefined;

  function startAgain(replica: SimulatedReplica, then: () => void): void {
    if (replica.run?.process.isDead) replica.start();
    world.time.after(3_000, then);
  }
};

export const wallClockSet: Fault = (world, chance) => {
  for (const replica of world.replicas) replica.setWallClock(chance.between(-20_000, 20_000));
  return undefined;
};
