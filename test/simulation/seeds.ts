import { World } from './world.js';

/** Runs these seeds; what the first one that breaks a promise has to tell is in the error. */
export async function expectPromisesKept(from: number, count: number): Promise<void> {
  for (let seed = from; seed < from + count; seed += 1) {
    const { violation, story } = await new World(seed).run();
    if (!violation) continue;
    const { promise, what } = violation;
    throw new Error(
      `seed ${seed}: ${promise}\n  ${what}\n\n${story.text()}\n\nAgain: npm run simulate -- --seed ${seed}`,
    );
  }
}
