const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 400;
/** Whoever asks without a pause takes the processor from what it waits for; what came late may be seen a little later. */
const PART_OF_THE_WAIT = 0.05;

/**
 * For what another process or connection does in its own time: asks again until the expectation holds, and fails with
 * the last reason once the limit is over. Never for the absence of something.
 */
export async function eventually<T>(expectation: () => T | Promise<T>, limitMs = 5_000): Promise<T> {
  const beganAtMs = performance.now();
  for (;;) {
    try {
      return await expectation();
    } catch (error) {
      const waitedMs = performance.now() - beganAtMs;
      if (waitedMs >= limitMs) throw error;
      const pollMs = Math.min(Math.max(FIRST_POLL_MS, waitedMs * PART_OF_THE_WAIT), LONGEST_POLL_MS);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
}
