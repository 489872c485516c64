import * as replicas from './broken-replicas.js';
import * as runtimes from './broken-runtimes.js';
import * as stores from './broken-stores.js';
import type { Variant } from './variant.js';

/** Every way in which the product is broken on purpose. */
export const VARIANTS: readonly Variant[] = [replicas, runtimes, stores].flatMap((file) => Object.values(file));

export function variantNamed(name: string | undefined): Variant | undefined {
  if (name === undefined) return undefined;
  const variant = VARIANTS.find((one) => one.name === name);
  if (variant) return variant;
  throw new Error(`There is no variant "${name}"; there are:\n${VARIANTS.map((one) => one.name).join('\n')}`);
}
