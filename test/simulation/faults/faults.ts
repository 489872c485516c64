import type { Chance } from '../engine/chance.js';

import type { World } from '../world.js';
import { nodeLost, podCrashes, podCrashLoops, podDeleted, podEvicted, quotaUsedUp, slowStarts } from './pod-faults.js';
import { crash, pauseReplica, roll, wallClockSet } from './replica-faults.js';
import * as ways from './way-faults.js';

/** Begins; answers how to end it, where it does not end by itself. */
export type Fault = (world: World, chance: Chance) => (() => void) | undefined;

const FAULTS = {
  'a replica dies': crash,
  'a replica is paused': pauseReplica,
  'the replicas are replaced one after another': roll,
  'wall clocks are set': wallClockSet,
  'the store is away': ways.storeAway,
  'one replica is cut from the store': ways.storeCut,
  'the store loses calls': ways.storeLossy,
  'the store is flushed': ways.flush,
  'the store loses its last seconds': ways.rollBack,
  'the clock of the store is set': ways.storeClockSet,
  'notifications are lost': ways.newsLost,
  'Kubernetes is away': ways.apiAway,
  'one replica is cut from Kubernetes': ways.apiCut,
  'Kubernetes loses calls': ways.apiLossy,
  'a watch is frozen': ways.watchFrozen,
  'a replica is cut from both': ways.cutOff,
  'the lease is removed': ways.leaseRemoved,
  'a container ends': podCrashes,
  'a container keeps ending': podCrashLoops,
  'a pod is evicted': podEvicted,
  'a pod is deleted by hand': podDeleted,
  'a node is lost': nodeLost,
  'pods start slowly': slowStarts,
  'the quota is used up': quotaUsedUp,
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

/** Lets faults strike while clients come, and heals what is left of them in the end. */
export class FaultPlan {
  private readonly standing = new Set<() => void>();

  constructor(
    private readonly world: World,
    private readonly chance: Chance,
  ) {
    const { faults, strikes, busyMs } = world.setting;
    for (let strike = 0; strike < strikes; strike += 1) {
      const name = chance.oneOf(faults);
      // The last ones come early enough to be felt.
      world.time.at(chance.between(3_000, busyMs - 8_000), () => this.strike(name));
    }
  }

  healAll(): void {
    for (const heal of [...this.standing]) heal();
  }

  private strike(name: FaultName): void {
    const { world, chance } = this;
    const fault: Fault = FAULTS[name];
    world.story.tell('FAULT', `${name}`);
    const end = fault(world, chance);
    if (!end) return;
    const heal = (): void => {
      if (!this.standing.delete(heal)) return;
      world.story.tell('FAULT', `over: ${name}`);
      end();
    };
    this.standing.add(heal);
    const isLong = name === 'a replica is cut from both' && chance.happens(0.3);
    world.time.after(isLong ? chance.between(60_000, 90_000) : chance.mostlyNear(500, 75_000), heal);
  }
}
