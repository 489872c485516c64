import { VARIANTS } from './variants/all-variants.js';
import type { Variant } from './variants/variant.js';
import { type Violation, World } from './world.js';

/** As many as the tests run of the product as it is. */
const SEEDS = 1_000;

async function firstViolation(variant: Variant): Promise<(Violation & { seed: number }) | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violation } = await new World(seed, variant).run();
    if (violation) return { ...violation, seed };
  }
  return undefined;
}

describe('the simulation notices when', () => {
  it.each(VARIANTS.filter(({ shieldedBy }) => shieldedBy === undefined))(
    '$name',
    async (variant) => {
      const violation = await firstViolation(variant);
      expect(variant.harms).toContain(violation?.promise);
    },
    240_000,
  );
});
