/** A timer that can be taken back. Cancelling one that has fired is harmless. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. `nowMs` is the wall clock and may jump; elapsed time is always measured with
 * `monotonicMs`, which never does. Timers keep no process alive.
 */
export abstract class Clock {
  abstract nowMs(): number;
  abstract monotonicMs(): number;
  abstract after(ms: number, run: () => void): Timer;
}

/** What Node's timers accept; a longer pause is waited in pieces by whoever asked for it. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class SystemClock extends Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(ms: number, run: () => void): Timer {
    const handle = setTimeout(run, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }
}

/** Resolves after `ms`, or at once when the signal fires; the caller looks at the signal if it matters which. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(ms, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
