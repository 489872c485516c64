import type { Clock } from '../../../platform/clock.js';

/** A start that takes longer waits for something else than a processor, and keeps nobody back. */
const LONGEST_START_MS = 1_000;

/**
 * Lets a few pods start at a time. Node waits, blocked, for each process that it starts to get hold of a processor; when
 * many start at once that is long, and all that Berth does for running sessions stands still meanwhile. Together they are
 * not ready later than they would be side by side.
 */
export class StartGate {
  private inside = 0;
  private readonly line: (() => void)[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly atOnce: number,
  ) {}

  /**
   * Resolves when it is this pod's turn with what is to be called once its start is over; when the signal fires first,
   * at once. A restart goes first: somebody has seen that pod ready.
   */
  async enter(isRestart: boolean, signal: AbortSignal): Promise<() => void> {
    if (this.inside < this.atOnce) this.inside++;
    else if (!(await this.turn(isRestart, signal))) return () => undefined;
    let isInside = true;
    const leave = (): void => {
      timer.cancel();
      if (isInside) this.giveWay();
      isInside = false;
    };
    const timer = this.clock.after(LONGEST_START_MS, leave);
    return leave;
  }

  /** The next one takes over the place, if there is one. */
  private giveWay(): void {
    const next = this.line.shift();
    if (next) next();
    else this.inside--;
  }

  /** False: the signal came first. */
  private turn(isRestart: boolean, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const go = (): void => {
        signal.removeEventListener('abort', leaveLine);
        resolve(true);
      };
      const leaveLine = (): void => {
        this.line.splice(this.line.indexOf(go), 1);
        resolve(false);
      };
      if (signal.aborted) return resolve(false);
      if (isRestart) this.line.unshift(go);
      else this.line.push(go);
      signal.addEventListener('abort', leaveLine, { once: true });
    });
  }
}
