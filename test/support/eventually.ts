const POLL_MS = 5;

/**
 * For what another process or connection does in its own time: asks again until the expectation holds, and fails with
 * the last reason once the limit is over. Never for the absence of something.
 */
export async function eventually<T>(expectation: () => T | Promise<T>, limitMs = 5_000): Promise<T> {
  const giveUpAtMs = performance.now() + limitMs;
  for (;;) {
    try {
      return await expectation();
    } catch (error) {
      if (performance.now() >= giveUpAtMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
