import { SeedThread } from './seed-thread.js';
import type { Finding } from './simulate-worker.js';
import { VARIANTS } from './variants/all-variants.js';
import type { Variant } from './variants/variant.js';

/** As many as the tests run of the product as it is. */
const SEEDS = 1_000;
const SHARE = 20;

describe('the simulation notices when', () => {
  const thread = new SeedThread();
  afterAll(() => thread.stop());

  async function firstFinding({ name: variant, noticedAt = 1 }: Variant): Promise<Finding | undefined> {
    const [known] = await thread.run({ from: noticedAt, to: noticedAt + 1, variant });
    if (known) return known;
    for (let from = 1; from <= SEEDS; from += SHARE) {
      const [finding] = await thread.run({ from, to: from + SHARE, variant });
      if (finding) return finding;
    }
    return undefined;
  }

  it.each(VARIANTS.filter(({ shieldedBy }) => shieldedBy === undefined))(
    '$name',
    async (variant) => {
      const finding = await firstFinding(variant);
      expect(variant.harms).toContain(finding?.promise);
    },
    240_000,
  );
});
