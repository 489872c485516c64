const RENEW_AT = 2 / 3;
/** Of a life: replicas that began together do not come together. */
const JITTER = 0.1;
/** What is over in no time is not asked for in a loop. */
const SHORTEST_PAUSE_MS = 500;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/** How long after it was given something is renewed: at two thirds of its life, or a little before. */
export function renewAfterMs(lifeMs: number, fraction: number): number {
  return Math.max(SHORTEST_PAUSE_MS, lifeMs * (RENEW_AT - JITTER * fraction));
}

/** Doubling up to a cap; between half of it and all of it. */
export function retryAfterMs(failures: number, fraction: number): number {
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16));
  return longest * (0.5 + fraction / 2);
}

/** A little more or less each time. */
export function aboutMs(ms: number, fraction: number): number {
  return ms * (1 - JITTER + 2 * JITTER * fraction);
}

/** A renewal that gives much less than was given at first tells that the maximum is near: only a login gives more. */
export function isNearItsMaximum(lifeMs: number, firstLifeMs: number): boolean {
  return lifeMs < firstLifeMs / 2;
}
