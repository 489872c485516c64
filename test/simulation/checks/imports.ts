import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { World } from '../world.js';
import type { MakeCheck } from './check.js';

const isCondemned = ({ markedUntilMs, deleting }: Pod): boolean => markedUntilMs !== undefined || deleting;

/** What was condemned before the memory was lost, and is still, every list of an import shows as such. */
export const importsTakeTheLiving: MakeCheck = (world, violated) => {
  let condemned = new Set<string>();
  let living = new Set<string>();
  let isRebuilding = false;
  return {
    memoryLost() {
      isRebuilding = true;
      condemned = uidsOf(world, isCondemned);
      living = uidsOf(world, (pod) => !isCondemned(pod));
    },
    recordChanged({ id, pod: named }) {
      const pod = world.cluster.pods.get(named?.uid ?? '');
      if (world.store.remembers || !pod || !condemned.has(pod.uid) || !isCondemned(pod)) return;
      violated(`${id} names pod ${pod.uid}, which was condemned before the store lost its memory`);
    },
    looked() {
      if (!isRebuilding || !world.store.remembers) return;
      isRebuilding = false;
      for (const pod of world.cluster.pods.values()) {
        const { assignment, uid } = pod;
        if (!assignment || !living.has(uid) || isCondemned(pod)) continue;
        const generation = world.store.peek(assignment.id)?.generation ?? 0;
        if (generation < assignment.generation)
          violated(`${assignment.id} is of generation ${generation}, and pod ${uid} of ${assignment.generation} lives`);
      }
    },
  };
};

function uidsOf(world: World, isMeant: (pod: Pod) => boolean): Set<string> {
  return new Set([...world.cluster.pods.values()].flatMap((pod) => (isMeant(pod) ? [pod.uid] : [])));
}
