import type { PromiseName } from '../checks/all-checks.js';
import type { ReplicaRun } from '../replica/replica-run.js';
import type { World } from '../world.js';

/** The product with one thing broken, to see that the simulation notices. */
export interface Variant {
  name: string;
  /** What else keeps the promises when this alone is broken; such a variant is noticed together with that, or seldom. */
  shieldedBy?: string;
  /** The promises of which at least one is then seen to be broken. */
  harms: readonly PromiseName[];
  /** A seed that showed it before, and is tried first. Without effect on whether it is noticed, only on how soon. */
  noticedAt?: number;
  /** Breaks what all share, before anything happens; */
  breakWorld?(world: World): void;
  /** or each run of the program, as it was put together. */
  breakRun?(run: ReplicaRun, world: World): void;
}

export function opened<T extends object>(whole: object, name: string): T {
  const part = (whole as Record<string, T | undefined>)[name];
  if (!part) throw new Error(`there is no ${name} to be broken in ${whole.constructor.name}`);
  return part;
}

/** Puts these methods in place of the ones that are there. */
export function replace<T extends object>(
  whole: T,
  methods: Partial<Record<keyof T & string, unknown>> | object,
): void {
  for (const name of Object.keys(methods))
    if (!(name in whole)) throw new Error(`there is no ${name} to be broken in ${whole.constructor.name}`);
  Object.assign(whole, methods);
}
