import type { Clock } from '../../platform/clock.js';

/**
 * Whether this replica can do a leader's work. One that cannot for a while stands down, so that another may try; once
 * for each time that it became unfit, or else replicas of which none is fit would hand the lead round for ever.
 */
export class Fitness {
  isFit: () => boolean = () => true;
  private unfitSinceMs?: number;
  private hasStoodDown = false;

  constructor(
    private readonly clock: Clock,
    private readonly patienceMs: number,
  ) {}

  /** How much longer than a fit one it leaves a free lease to others. */
  holdBackMs(): number {
    return this.unfitForMs() === undefined ? 0 : this.patienceMs;
  }

  mustStandDown(): boolean {
    const unfitForMs = this.unfitForMs();
    return unfitForMs !== undefined && unfitForMs >= this.patienceMs && !this.hasStoodDown;
  }

  stoodDown(): void {
    this.hasStoodDown = true;
  }

  private unfitForMs(): number | undefined {
    const nowMs = this.clock.monotonicMs();
    const isFit = this.isFit();
    this.unfitSinceMs = isFit ? undefined : (this.unfitSinceMs ?? nowMs);
    this.hasStoodDown &&= !isFit;
    return this.unfitSinceMs === undefined ? undefined : nowMs - this.unfitSinceMs;
  }
}
