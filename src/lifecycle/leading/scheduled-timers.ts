import { SchedulerRegistry } from '@nestjs/schedule';

import { LONGEST_TIMER_MS, type Timer } from '../../platform/clock.js';
import type { PassTimers } from './leader-pass.js';

/** The timers of the leader's passes stand in the Nest scheduler under their names, where anybody can look them up. */
export class ScheduledTimers implements PassTimers {
  constructor(private readonly registry: SchedulerRegistry) {}

  after(name: string, ms: number, run: () => void): Timer {
    const cancel = (): void => {
      if (this.registry.doesExist('timeout', name)) this.registry.deleteTimeout(name);
    };
    cancel();
    const fire = (): void => {
      cancel();
      run();
    };
    this.registry.addTimeout(name, setTimeout(fire, Math.min(Math.max(0, ms), LONGEST_TIMER_MS)).unref());
    return { cancel };
  }
}
