import { setTimeout } from 'node:timers';

/** The same moments in every round and for every target. */
const SEED = 20_261_121;

/** Calls back for each moment of a Poisson process, as soon after it as a timer allows, with the moment at which it was due. */
export function paced(rate: number, due: (dueMs: number) => void): () => void {
  const random = randomness(SEED);
  const gapMs = (): number => (-Math.log(1 - random()) * 1_000) / rate;
  let nextMs = performance.now() + gapMs();
  let timer: NodeJS.Timeout;
  const run = (): void => {
    for (const nowMs = performance.now(); nextMs <= nowMs; nextMs += gapMs()) due(nextMs);
    timer = setTimeout(run, Math.max(nextMs - performance.now(), 0));
  };
  run();
  return () => clearTimeout(timer);
}

/** mulberry32 */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
