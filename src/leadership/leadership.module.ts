import { Module } from '@nestjs/common';

import { Clock } from '../platform/clock.js';
import { Randomness } from '../platform/randomness.js';
import { Leadership } from './leadership.js';
import { SoleLeadership } from './sole-leadership.js';

/** A store in this process's memory has one replica: it leads. */
@Module({
  providers: [
    {
      provide: Leadership,
      inject: [Clock, Randomness],
      useFactory: (clock: Clock, randomness: Randomness) => new SoleLeadership(clock, randomness.uuid()),
    },
  ],
  exports: [Leadership],
})
export class LeadershipModule {}
