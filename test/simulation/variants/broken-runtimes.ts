import type { Pod, PodOrder } from '../../../src/lifecycle/runtime/pod.js';
import { podName } from '../../../src/lifecycle/runtime/pod-name.js';
import type { SimulatedCluster } from '../cluster/simulated-cluster.js';
import { importsLowerGenerations } from './broken-stores.js';
import { opened, replace, type Variant } from './variant.js';

export const deletesByName: Variant = {
  name: 'a delete names neither uid nor revision',
  shieldedBy: 'no generation is given twice, so that a name is that of one pod',
  harms: ['no pod that a record names is deleted', 'a pod is condemned before it is deleted'],
  breakWorld: ({ cluster }) =>
    replace(cluster, {
      delete: ({ name }: Pod) => {
        const standing = cluster.named(name);
        if (!standing) return 'absent';
        cluster.remove(standing);
        return 'ending';
      },
    }),
};

export const deletesUnmarked: Variant = {
  name: 'pods are deleted without being condemned',
  harms: ['a pod is condemned before it is deleted'],
  breakRun: ({ runtime }, { cluster }) =>
    replace(runtime, {
      mark: (pod: Pod, markedUntilMs: number) => Promise.resolve({ ...pod, markedUntilMs }),
      delete: ({ uid }: Pod) => {
        const standing = cluster.pods.get(uid);
        if (standing) cluster.remove(standing);
        return Promise.resolve(standing ? 'ending' : 'absent');
      },
    }),
};

export const adoptsAnybodys: Variant = {
  name: 'a pod of the right name is adopted whoever owns it',
  shieldedBy: 'no generation is given twice while a tombstone lives',
  harms: ['a record names a pod of its own session, owner and generation', "no request reaches another session's pod"],
  breakWorld: ({ cluster }) => {
    const create = cluster.create.bind(cluster);
    replace(cluster, {
      create: (order: PodOrder) => {
        const made = create(order);
        return made === 'name-taken' ? (byName(cluster, order) ?? made) : made;
      },
    });
  },
};

export const adoptsCondemned: Variant = {
  name: 'a pod of the right name is adopted, whoever owns it and though it is condemned',
  noticedAt: 238,
  harms: [...adoptsAnybodys.harms, 'no pod that a record names is deleted'],
  breakWorld: ({ cluster }) => {
    const create = cluster.create.bind(cluster);
    replace(cluster, {
      create: (order: PodOrder) => {
        const made = create(order);
        return made === 'name-taken' ? (cluster.named(podName(order.id, order.generation)) ?? made) : made;
      },
    });
  },
};

function byName(cluster: SimulatedCluster, { id, generation }: PodOrder): Pod | undefined {
  const isOf = ({ assignment }: Pod): boolean => assignment?.id === id && assignment.generation === generation;
  return cluster.all().find((pod) => isOf(pod) && pod.markedUntilMs === undefined && !pod.deleting);
}

export const namesAtRandom: Variant = {
  name: 'each try to make a pod gives it another name',
  shieldedBy: 'the record names one of them and no import another, and the leader removes the rest',
  harms: ['one generation of a session is one pod for ever', 'generations rise'],
  breakWorld: ({ cluster }) => {
    let tries = 0;
    replace(cluster, {
      create: ({ definition, ...assignment }: PodOrder) =>
        opened<(name: string, ...rest: unknown[]) => Pod>(cluster, 'make').call(
          cluster,
          `berth-${(tries += 1)}`,
          definition,
          assignment,
        ),
    });
  },
};

export const namesAtRandomAndImportsAll: Variant = {
  name: 'each try to make a pod gives it another name, and an import takes what comes last',
  noticedAt: 532,
  harms: namesAtRandom.harms,
  breakWorld: (world) => {
    namesAtRandom.breakWorld?.(world);
    importsLowerGenerations.breakWorld?.(world);
  },
  breakRun: (run, world) => importsLowerGenerations.breakRun?.(run, world),
};

export const takesOutagesForAbsence: Variant = {
  name: 'an outage is taken for absence',
  noticedAt: 77,
  harms: ['only dead pods are replaced'],
  breakRun: ({ runtime }) => {
    const read = runtime.read.bind(runtime);
    replace(runtime, { read: (name: string) => read(name).catch(() => 'absent' as const) });
  },
};
