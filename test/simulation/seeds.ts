import type { SeedThread } from './seed-thread.js';
import { World } from './world.js';

/** Runs these seeds; what the first one that breaks a promise has to tell is in the error. */
export async function expectPromisesKept(thread: SeedThread, from: number, count: number): Promise<void> {
  const [found] = await thread.run({ from, to: from + count });
  if (!found) return;
  const { seed, promise, what } = found;
  const { story } = await new World(seed).run();
  throw new Error(
    `seed ${seed}: ${promise}\n  ${what}\n\n${story.text()}\n\nAgain: npm run simulate -- --seed ${seed}`,
  );
}
