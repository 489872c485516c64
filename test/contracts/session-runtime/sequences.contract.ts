import fc from 'fast-check';

import type { Pod, PodOrder } from '../../../src/lifecycle/runtime/pod.js';
import type { Given, Stage } from './stage.js';

const RUNS = 12;
const LONGEST = 14;
const NAMES = 3;

/** What the suite believes of one pod; every adapter has to agree. */
interface Belief {
  pod: Pod;
  /** A view of it that no longer holds. */
  outdated?: Pod;
  order?: PodOrder;
  isMarked: boolean;
}

interface World {
  stage: Stage;
  /** Another one each time: to write what is there already changes nothing, and need not make a view outdated. */
  nextMs: () => number;
  /** Cold and warm pods by name. */
  pods: Map<string, Belief>;
  orders: PodOrder[];
}

type Act =
  'create' | 'usurp' | 'createWarm' | 'claim' | 'mark' | 'unmark' | 'annotate' | 'delete' | 'outdated' | 'list';
interface Step {
  act: Act;
  which: number;
}

const step = fc.record<Step>({
  act: fc.constantFrom<Act>(
    ...(['create', 'create', 'usurp', 'createWarm', 'claim', 'claim', 'mark', 'mark'] as const),
    ...(['unmark', 'annotate', 'delete', 'delete', 'outdated', 'list'] as const),
  ),
  which: fc.nat(50),
});

export function sequences(given: Given): void {
  it('agrees with what is believed after any sequence of operations', async () => {
    const stage = given();
    const sequence = fc.array(step, { minLength: 4, maxLength: LONGEST });
    const property = fc.asyncProperty(sequence, async (steps) => {
      const orders = Array.from({ length: NAMES }, () => stage.order(stage.templates.silent));
      let lastMs = 10;
      const world: World = { stage, nextMs: () => ++lastMs, pods: new Map(), orders };
      for (const { act, which } of steps) await perform[act](world, which);
      await agree(world);
      for (const name of world.pods.keys()) await stage.deleted(name);
    });
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
  }, 60_000);
}

type Perform = (world: World, which: number) => Promise<void>;

const perform: Record<Act, Perform> = {
  create: async (world, which) => {
    const order = world.orders[which % NAMES]!;
    const believed = coldPodOf(world, order);
    const answer = await world.stage.runtime.create(order);
    if (believed?.isMarked) return expect(answer).toBe('name-taken');
    expect(answer).toMatchObject(believed ? { uid: believed.pod.uid } : { assignment: { id: order.id } });
    if (!believed) believe(world, answer as Pod, order);
  },
  usurp: async (world, which) => {
    const order = world.orders[which % NAMES]!;
    if (!coldPodOf(world, order)) return;
    expect(await world.stage.runtime.create({ ...order, owner: 'somebody-else' })).toBe('name-taken');
  },
  createWarm: async (world) => {
    const pod = await world.stage.runtime.createWarm(world.stage.templates.silent);
    expect(world.pods.has(pod.name)).toBe(false);
    believe(world, pod);
  },
  claim: on(async ({ stage }, belief) => {
    const order = stage.order(stage.templates.silent);
    const answer = await stage.onNow(belief.pod.name, (now) => stage.runtime.claim(now, order));
    if (belief.order || belief.isMarked) return expect(answer).toBe('changed');
    belief.order = order;
    belief.outdated = belief.pod;
    return expect(answer).toMatchObject({ uid: belief.pod.uid, assignment: { id: order.id }, wasWarm: true });
  }),
  mark: on(async ({ stage, nextMs }, belief) => {
    belief.outdated = await stage.truth(belief.pod.name);
    belief.isMarked = true;
    expect((await stage.marked(belief.pod.name, nextMs())).uid).toBe(belief.pod.uid);
  }),
  unmark: on(async ({ stage }, belief) => {
    belief.isMarked = false;
    const pod = await stage.onNow(belief.pod.name, (now) => stage.runtime.unmark(now));
    expect(pod).toMatchObject({ uid: belief.pod.uid });
  }),
  annotate: on(async ({ stage, nextMs }, belief) => {
    const seen = await stage.truth(belief.pod.name);
    const lastUsedAtMs = nextMs();
    const pod = await stage.onNow(seen.name, (now) => stage.runtime.annotate(now, { lastUsedAtMs }));
    if (belief.isMarked) return expect(pod).toBe('marked');
    belief.outdated = seen;
    return expect(pod).toMatchObject({ uid: belief.pod.uid, lastUsedAtMs });
  }),
  delete: on(async ({ stage, pods }, belief) => {
    const { name } = belief.pod;
    const answer = await stage.onNow(name, (now) => stage.runtime.delete(now));
    expect(answer).toBe(belief.isMarked ? 'ending' : 'changed');
    if (!belief.isMarked) return;
    pods.delete(name);
    await stage.untilGone(name);
    expect(await stage.runtime.unmark(belief.pod)).toBe('absent');
  }),
  outdated: on(async ({ stage }, belief) => {
    if (!belief.outdated) return;
    expect(await stage.runtime.mark(belief.outdated, 1)).toBe('changed');
    expect(await stage.runtime.delete(belief.outdated)).toBe('changed');
    expect(await stage.runtime.claim(belief.outdated, stage.order(stage.templates.silent))).toBe('changed');
  }),
  list: (world) => agree(world),
};

/** Does it to one of the pods that are believed to be there, if there is any. */
function on(act: (world: World, belief: Belief) => Promise<void>): Perform {
  return async (world, which) => {
    const beliefs = [...world.pods.values()];
    const belief = beliefs[which % Math.max(beliefs.length, 1)];
    if (belief) await act(world, belief);
  };
}

function believe(world: World, pod: Pod, order?: PodOrder): void {
  world.pods.set(pod.name, { pod, order, isMarked: false });
}

function coldPodOf(world: World, order: PodOrder): Belief | undefined {
  return [...world.pods.values()].find((belief) => belief.order === order && !belief.pod.wasWarm);
}

async function agree({ stage, pods, orders }: World): Promise<void> {
  const listed = new Map((await stage.runtime.list()).map((pod) => [pod.name, pod]));
  for (const [name, belief] of pods) {
    const pod = listed.get(name);
    expect(pod).toMatchObject({ uid: belief.pod.uid, deleting: false });
    expect(pod?.assignment?.id).toBe(belief.order?.id);
    expect(pod?.markedUntilMs !== undefined).toBe(belief.isMarked);
    expect(await stage.runtime.read(name)).toMatchObject({ uid: belief.pod.uid });
  }
  const ids = new Set(orders.map(({ id }) => id));
  const own = [...listed.values()].filter(({ assignment }) => assignment && ids.has(assignment.id));
  expect(own.map(({ name }) => name).sort()).toEqual(
    [...pods]
      .filter(([, { order }]) => order && ids.has(order.id))
      .map(([name]) => name)
      .sort(),
  );
}
