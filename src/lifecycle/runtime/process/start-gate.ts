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
   * Resolves when it is this pod's turn, or when the signal fires, with what is to be called once its start is over. A
   * restart goes first: somebody has seen that pod ready.
   */
  async enter(isRestart: boolean, signal: AbortSignal): Promise<() => void> {
    if (this.inside >= this.atOnce) await this.turn(isRestart, signal);
    this.inside++;
    let isOver = false;
    const leave = (): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      this.inside--;
      if (this.inside < this.atOnce) this.line.shift()?.();
    };
    const timer = this.clock.after(LONGEST_START_MS, leave);
    return leave;
  }

  private turn(isRestart: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        signal.removeEventListener('abort', go);
        const place = this.line.indexOf(go);
        if (place >= 0) this.line.splice(place, 1);
        resolve();
      };
      if (isRestart) this.line.unshift(go);
      else this.line.push(go);
      signal.addEventListener('abort', go, { once: true });
    });
  }
}
