const FIRST_POLL_MS = 5;
/** Whoever asks without a pause takes the processor from what it waits for. */
const LONGEST_POLL_MS = 50;
const LONGER_EACH_TIME = 1.3;

/**
 * For what another process or connection does in its own time: asks again until the expectation holds, and fails with
 * the last reason once the limit is over. Never for the absence of something.
 */
export async function eventually<T>(expectation: () => T | Promise<T>, limitMs = 5_000): Promise<T> {
  const giveUpAtMs = performance.now() + limitMs;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(pollMs * LONGER_EACH_TIME, LONGEST_POLL_MS)) {
    try {
      return await expectation();
    } catch (error) {
      if (performance.now() >= giveUpAtMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
