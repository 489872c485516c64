import { SeedThread } from './seed-thread.js';
import { expectPromisesKept } from './seeds.js';
import { VARIANTS } from './variants/all-variants.js';
import { World } from './world.js';

/** Many times what it takes, for a machine that has much else to do. */
const LONG_MS = 240_000;

describe('several replicas whose store, cluster, clocks and processes fail', () => {
  const threads = [new SeedThread(), new SeedThread()];
  afterAll(() => Promise.all(threads.map((thread) => thread.stop())));

  it(
    'keep every promise in the first 1,000 seeds',
    () => Promise.all(threads.map((thread, at) => expectPromisesKept(thread, 1 + at * 500, 500))),
    LONG_MS,
  );

  it.each([1, 7, 42])('do the same again in seed %d', async (seed) => {
    const one = await new World(seed).run();
    const again = await new World(seed).run();
    expect(again.story.text()).toBe(one.story.text());
  });

  it('are told apart by their seeds', async () => {
    const one = await new World(3).run();
    const other = await new World(4).run();
    expect(other.story.hash()).not.toBe(one.story.hash());
  });

  it('have variants of different names', () => {
    expect(new Set(VARIANTS.map(({ name }) => name)).size).toBe(VARIANTS.length);
  });
});
