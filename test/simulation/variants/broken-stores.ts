import type { LeaderTask } from '../../../src/leadership/leadership.js';
import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { MemoryRecords } from '../../../src/lifecycle/store/memory-records.js';
import { imported, terminating } from '../../../src/lifecycle/store/record-rules.js';
import type { Caller, Opening } from '../../../src/lifecycle/session.js';
import type { SessionId } from '../../../src/lifecycle/session-id.js';
import type { ImportToken, Ref, StoreLimits } from '../../../src/lifecycle/store/session-store.js';
import type { World } from '../world.js';
import { opened, replace, type Variant } from './variant.js';

const recordsOf = ({ store }: World): MemoryRecords => opened<MemoryRecords>(store, 'records');

export const reapsWithoutRecheck: Variant = {
  name: 'the reaper does not compare again in the store',
  noticedAt: 5,
  harms: ['a session in use is not reaped'],
  breakWorld: (world) =>
    replace(world.store, {
      reap: ({ id }: Ref) => {
        const record = world.store.peek(id);
        if (record?.state === 'ready' || record?.state === 'failed')
          recordsOf(world).write(terminating(record, 'idle'), world.store.nowMs());
        return Promise.resolve('terminating');
      },
    }),
};

export const followsIntoTheNext: Variant = {
  name: 'the store opens anew for whoever was held for what a DELETE ended',
  noticedAt: 483,
  harms: ['who is held for a session that is ended is told so', 'nobody waits in vain'],
  breakWorld: ({ store }) => {
    const enter = store.enter.bind(store);
    replace(store, {
      enter: (id: SessionId, caller: Caller, opening: Opening) => enter(id, caller, { ...opening, heldFor: undefined }),
    });
  },
};

export const holdsNoAddress: Variant = {
  name: 'addresses are not held',
  noticedAt: 240,
  harms: ['no two sessions are ready at one address'],
  breakWorld: (world) => {
    const book = { heldMs: () => 0, moved: () => undefined };
    Object.defineProperty(recordsOf(world), 'addresses', { get: () => book, set: () => undefined });
  },
};

export const countsNothing: Variant = {
  name: 'the limits are not compared',
  noticedAt: 2,
  harms: ['the limits hold'],
  breakWorld: (world) => {
    const { counts } = recordsOf(world);
    replace(counts, { refusal: () => undefined });
    replace(recordsOf(world), { clear: clearUncounted(world) });
  },
};

export const importsMarkedPods: Variant = {
  name: 'the import takes condemned pods',
  noticedAt: 238,
  harms: ['an import makes of each session what its highest living pod shows', 'no pod that a record names is deleted'],
  breakWorld: ({ store, cluster }) => {
    const unmarked = (pod: Pod): Pod => ({ ...pod, markedUntilMs: undefined });
    const importPod = store.importPod.bind(store);
    replace(store, { importPod: (token: ImportToken, pod: Pod) => importPod(token, unmarked(pod)) });
    const all = cluster.all.bind(cluster);
    replace(cluster, { all: () => (store.remembers ? all() : all().map(unmarked)) });
  },
};

export const importsDyingPods: Variant = {
  name: 'the import takes condemned and dying pods',
  noticedAt: 212,
  harms: ['an import makes of each session what its highest living pod shows', 'generations rise'],
  breakWorld: ({ store, cluster }) => {
    const asAlive = (pod: Pod): Pod => ({ ...pod, markedUntilMs: undefined, deleting: false });
    const importPod = store.importPod.bind(store);
    replace(store, { importPod: (token: ImportToken, pod: Pod) => importPod(token, asAlive(pod)) });
    const all = cluster.all.bind(cluster);
    replace(cluster, { all: () => (store.remembers ? all() : all().map(asAlive)) });
  },
};

export const importsLowerGenerations: Variant = {
  name: 'the import takes the first generation that comes',
  shieldedBy: 'pods of earlier generations are condemned as soon as the record has moved, and not imported',
  harms: [
    'an import makes of each session what its highest living pod shows',
    'generations rise',
    'one generation of a session is one pod for ever',
  ],
  breakWorld: (world) => {
    const { store } = world;
    const importPod = store.importPod.bind(store);
    replace(store, {
      importPod: async (token: ImportToken, pod: Pod) => {
        const outcome = await importPod(token, pod);
        const now = { nowMs: store.nowMs(), startTimeoutMs: world.setting.startTimeoutMs };
        const draft = outcome === 'outranked' && !pod.deleting && imported('absent', pod, now);
        if (draft) recordsOf(world).write(draft, store.nowMs());
        return outcome;
      },
    });
  },
  breakRun: ({ leadership }) => {
    const add = leadership.add.bind(leadership);
    const witnessesAmong = (living: readonly Pod[]): Pod[][] =>
      living.filter(({ assignment }) => assignment).map((pod) => [pod]);
    replace(leadership, {
      add: (task: LeaderTask) => {
        if (task.name === 'import') replace(opened(task, 'work'), { witnessesAmong });
        add(task);
      },
    });
  },
};

export const dropsTombstones: Variant = {
  name: 'tombstones are dropped at once',
  noticedAt: 3,
  harms: ['while its tombstone lives only the owner reopens a session'],
  breakWorld: ({ store }) => replace(opened<StoreLimits>(store, 'limits'), { tombstoneMs: 0 }),
};

export const entersWithoutOwner: Variant = {
  name: 'whoever asks is let into any session',
  harms: ["no request reaches another session's pod"],
  breakWorld: ({ store }) => {
    const enter = store.enter.bind(store);
    replace(store, {
      enter: (...[id, caller, opening]: Parameters<typeof enter>) =>
        enter(id, { ...caller, owner: store.peek(id)?.owner ?? caller.owner }, opening),
    });
  },
};

function clearUncounted(world: World): () => void {
  const records = recordsOf(world);
  const clear = records.clear.bind(records);
  return () => {
    clear();
    replace(records.counts, { refusal: () => undefined });
  };
}
