import { type DynamicModule, Global, Module } from '@nestjs/common';

import { Clock, SystemClock } from './clock.js';
import { Logger } from './logger.js';
import { Randomness, SystemRandomness } from './randomness.js';

/** Time, chance and the log: thin handles that everybody may have. */
@Global()
@Module({})
export class PlatformModule {
  static with(logger: Logger): DynamicModule {
    const providers = [
      { provide: Clock, useClass: SystemClock },
      { provide: Randomness, useClass: SystemRandomness },
      { provide: Logger, useValue: logger },
    ];
    return { module: PlatformModule, providers, exports: [Clock, Randomness, Logger] };
  }
}
