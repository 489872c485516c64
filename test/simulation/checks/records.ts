import { isCounted } from '../../../src/lifecycle/session-states.js';
import type { Session } from '../../../src/lifecycle/session.js';
import type { SessionId } from '../../../src/lifecycle/session-id.js';
import type { MakeCheck } from './check.js';

const words = ({ id, state, generation, owner }: Session): string => `${id} (${state}, ${generation}, ${owner})`;

export const oneOwner: MakeCheck = (_world, violated) => ({
  recordChanged(after, before) {
    if (before && before.owner !== after.owner) violated(`${words(after)} was ${words(before)}`);
  },
});

export const generationsRise: MakeCheck = (world, violated) => ({
  recordChanged(after, before) {
    if (!before) return;
    const isNext = after.generation === before.generation || after.generation === before.generation + 1;
    if (world.store.remembers ? !isNext : after.generation < before.generation)
      violated(`${words(after)} was ${words(before)}`);
  },
});

/** An id without a record has no past; what an import finds says how far that of the others goes. */
export const oneUidForEver: MakeCheck = (world, violated) => {
  const uids = new Map<SessionId, Map<number, string>>();
  const remade = new Set<SessionId>();
  return {
    memoryLost() {
      for (const id of world.ids) remade.add(id);
    },
    recordChanged(after, before) {
      const { id, generation, pod } = after;
      const isImport = !world.store.remembers;
      if (isImport || remade.delete(id)) forgetAbove(uids.get(id), isImport ? generation : (before?.generation ?? 0));
      if (!isImport && !before) uids.delete(id);
      if (!pod) return;
      const known = uids.get(id) ?? new Map<number, string>();
      uids.set(id, known);
      const first = known.get(generation) ?? pod.uid;
      known.set(generation, first);
      if (first !== pod.uid) violated(`${words(after)} names ${pod.uid}, but it named ${first}`);
    },
  };
};

function forgetAbove(known: Map<number, string> | undefined, generation: number): void {
  for (const each of [...(known?.keys() ?? [])]) if (each > generation) known?.delete(each);
}

export const namedPodsAreOwn: MakeCheck = (world, violated) => ({
  recordChanged(after) {
    const pod = world.cluster.pods.get(after.pod?.uid ?? '');
    if (!pod || (after.state !== 'creating' && after.state !== 'ready')) return;
    const { assignment } = pod;
    const isOwn = assignment?.id === after.id && assignment.owner === after.owner;
    if (!isOwn || assignment.generation !== after.generation)
      violated(
        `${words(after)} names pod ${pod.uid} of ${assignment?.id}, ${assignment?.generation}, ${assignment?.owner}`,
      );
  },
});

export const oneSessionAtAnAddress: MakeCheck = (world, violated) => ({
  recordChanged(after) {
    const address = after.state === 'ready' ? after.pod?.address : undefined;
    if (address === undefined || !world.store.remembers) return;
    for (const other of world.store.all())
      if (other.id !== after.id && other.state === 'ready' && other.pod?.address === address)
        violated(`${after.id} and ${other.id} are both at ${address}`);
  },
});

export const limitsHold: MakeCheck = (world, violated) => ({
  recordChanged(after, before) {
    const isNew = isCounted(after.state) && !(before && isCounted(before.state));
    if (!isNew || !world.store.remembers) return;
    const { maxSessions, maxSessionsPerOwner } = world.setting;
    const counted = world.store.all().filter(({ state }) => isCounted(state));
    if (counted.length > maxSessions) violated(`${after.id} is number ${counted.length} of ${maxSessions}`);
    const own = counted.filter(({ owner }) => owner === after.owner).length;
    if (maxSessionsPerOwner > 0 && own > maxSessionsPerOwner) violated(`${after.id} is number ${own} of its owner`);
  },
});
