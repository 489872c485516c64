import type { Session } from '../../../src/lifecycle/session.js';
import type { Ref } from '../../../src/lifecycle/store/session-store.js';
import { crash, expectMoved, hopeless, idOf, ref, type Given, type Stage } from './stage.js';

/** Where a record can be, one row for each case that a compare tells apart. */
const PLACES = {
  absent: () => Promise.resolve(undefined),
  creating: (stage) => stage.opened('s'),
  'creating with a pod': (stage) => stage.named('s'),
  ready: (stage) => stage.ready('s'),
  failed: (stage) => stage.failed('s'),
  terminating: (stage) => stage.stopped('s'),
  ended: (stage) => stage.ended('s'),
} as const satisfies Record<string, (stage: Stage) => Promise<Session | undefined>>;
type Place = keyof typeof PLACES;

interface Script {
  /** Where it does its work; everywhere else its compare fails. */
  from: readonly Place[];
  /** Where the record names a pod, and another pod's uid makes the compare fail. */
  comparesUidIn: readonly Place[];
  run(stage: Stage, ref: Ref): Promise<unknown>;
}

const SCRIPTS: Record<string, Script> = {
  tryStart: { from: ['creating'], comparesUidIn: [], run: ({ store }, ref) => store.tryStart(ref) },
  namePod: {
    from: ['creating'],
    comparesUidIn: [],
    run: async (stage, ref) => stage.store.namePod(ref, stage.newPod(await anySession(stage))),
  },
  markReady: {
    from: ['creating with a pod'],
    comparesUidIn: ['creating with a pod'],
    run: ({ store }, ref) => store.markReady(ref, '10.3.3.3:8080'),
  },
  replace: {
    from: ['creating', 'creating with a pod', 'ready'],
    comparesUidIn: ['creating with a pod', 'ready'],
    run: ({ store }, ref) => store.replace(ref, crash, 0),
  },
  fail: {
    from: ['creating', 'creating with a pod'],
    comparesUidIn: ['creating with a pod'],
    run: ({ store }, ref) => store.fail(ref, hopeless, 1),
  },
  touch: {
    from: ['ready'],
    comparesUidIn: ['ready'],
    run: async ({ store }, ref) => (await store.touch([{ ...ref, requests: 1 }]))[0],
  },
  reap: { from: ['ready', 'failed'], comparesUidIn: ['ready'], run: ({ store }, ref) => store.reap(ref) },
  finish: { from: ['terminating', 'ended'], comparesUidIn: [], run: ({ store }, ref) => store.finish(ref, 'none') },
};

const places = Object.keys(PLACES) as Place[];
const scripts = Object.entries(SCRIPTS);
const otherPlaces = scripts.flatMap(([name, { from }]) =>
  places.filter((place) => !from.includes(place)).map((place) => [name, place] as const),
);
const placesWithGeneration = scripts.flatMap(([name, { from }]) =>
  from.flatMap((place) => [[name, place, 'an earlier', -1] as const, [name, place, 'a later', 1] as const]),
);
const placesWithUid = scripts.flatMap(([name, { comparesUidIn }]) =>
  comparesUidIn.map((place) => [name, place] as const),
);

export function compares(given: Given): void {
  describe('a change whose compare fails does nothing and is told what is true', () => {
    it.each(otherPlaces)('%s of a session that is %s', async (name, place) => {
      const stage = await given();
      const session = await PLACES[place](stage);
      await expectNoChange(stage, name, session === undefined ? { id: idOf('s'), generation: 1 } : ref(session));
    });

    it.each(placesWithGeneration)('%s, from %s, of %s generation', async (name, place, _, step) => {
      const stage = await given();
      const { id, generation } = await present(stage, place);
      await expectNoChange(stage, name, { id, generation: generation + step });
    });

    it.each(placesWithUid)('%s, from %s, of another pod', async (name, place) => {
      const stage = await given();
      const session = await present(stage, place);
      await expectNoChange(stage, name, { ...ref(session), uid: 'the-uid-of-another-pod' });
    });
  });

  describe('a change whose compare holds is made', () => {
    const placesFrom = scripts.flatMap(([name, { from }]) => from.map((place) => [name, place] as const));

    it.each(placesFrom)('%s, from %s', async (name, place) => {
      const stage = await given();
      const session = await present(stage, place);
      expect(await SCRIPTS[name]?.run(stage, ref(session))).not.toHaveProperty('moved');
    });
  });
}

/** Even when it is long due: being due makes up for no difference. */
async function expectNoChange(stage: Stage, name: string, compared: Ref): Promise<void> {
  await stage.pass(stage.idleTimeoutMs);
  const before = await stage.find('s');
  await expectMoved(stage, 's', await SCRIPTS[name]?.run(stage, compared));
  expect(await stage.find('s')).toEqual(before);
}

async function present(stage: Stage, place: Place): Promise<Session> {
  const session = await PLACES[place](stage);
  if (session === undefined) throw new Error('there is no record to compare with');
  return session;
}

/** Of this record, else of any: the change is refused before it looks at the pod. */
async function anySession(stage: Stage): Promise<Session> {
  return (await stage.find('s')) ?? stage.opened('another');
}
