import type { Clock } from '../../../platform/clock.js';

/** Of Berth's time, starts take at most one part in this many. */
const SHARE = 4;

/**
 * Pods start one after the other, with pauses. Node waits, blocked, for a process that it starts to get hold of a
 * processor; while many start that is long, and all that Berth does for running sessions stands still. So each start is
 * followed by a pause in proportion to what it took: hardly any on an idle machine, more the busier it is. Pods that start
 * one by one are not ready later than they would be side by side, for it is the processors that they wait for.
 */
export class StartQueue {
  private readonly line: (() => void)[] = [];
  private isBusy = false;

  constructor(private readonly clock: Clock) {}

  /**
   * Starts something when it is its turn; undefined when the signal fires first. A restart goes first: somebody has seen
   * that pod ready.
   */
  async start<T>(run: () => T, isRestart: boolean, signal: AbortSignal): Promise<T | undefined> {
    if (this.isBusy && !(await this.turn(isRestart, signal))) return undefined;
    this.isBusy = true;
    const sinceMs = this.clock.monotonicMs();
    try {
      return signal.aborted ? undefined : run();
    } finally {
      const tookMs = this.clock.monotonicMs() - sinceMs;
      this.clock.after(tookMs * (SHARE - 1), () => this.next());
    }
  }

  private next(): void {
    const next = this.line.shift();
    if (next) next();
    else this.isBusy = false;
  }

  private turn(isRestart: boolean, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const go = (): void => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = (): void => {
        this.line.splice(this.line.indexOf(go), 1);
        resolve(false);
      };
      if (isRestart) this.line.unshift(go);
      else this.line.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
