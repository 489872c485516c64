import { Clock } from '../../platform/clock.js';

/**
 * Since when this leader has had store and runtime unbroken. After an outage every replica needs its heartbeats to
 * arrive again before anybody's silence may be taken for idleness.
 */
export class Calm {
  private sinceMs: number;

  constructor(private readonly clock: Clock) {
    this.sinceMs = clock.monotonicMs();
  }

  broken(): void {
    this.sinceMs = this.clock.monotonicMs();
  }

  lastedMs(): number {
    return this.clock.monotonicMs() - this.sinceMs;
  }
}
