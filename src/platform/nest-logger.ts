import type { LoggerService } from '@nestjs/common';

import type { Logger } from './logger.js';

/** Nest's own words, in our log. What it says while it starts is for debugging. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: string): void {
    this.logger.debug({ event: 'nest', context }, String(message));
  }

  debug(message: unknown, context?: string): void {
    this.log(message, context);
  }

  verbose(message: unknown, context?: string): void {
    this.log(message, context);
  }

  warn(message: unknown, context?: string): void {
    this.logger.warn({ event: 'nest', context }, String(message));
  }

  /** What Nest could not start is thrown as well, and told by whoever started it. */
  error(message: unknown, stackOrContext?: string): void {
    if (message instanceof Error) return;
    this.logger.error({ event: 'nest', error: message, stackOrContext }, String(message));
  }
}
