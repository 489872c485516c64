import { Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';

import { Audit } from './audit.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { CallerGuard } from './caller.guard.js';
import { ControlStreams } from './control-streams.js';
import { GenerationInterceptor } from './generation.interceptor.js';
import { ProblemFilter } from './problem.filter.js';
import { SessionController } from './session.controller.js';
import { SessionsController } from './sessions.controller.js';
import { validationPipe } from './validation.js';

/**
 * The control plane. Needs, from global modules: Sessions, Authenticator, RateLimiter, Logger, Randomness, Clock. Its
 * filter and pipe are those of the whole application.
 */
@Module({
  controllers: [SessionController, SessionsController],
  providers: [
    Audit,
    AuditInterceptor,
    CallerGuard,
    ControlStreams,
    GenerationInterceptor,
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_PIPE, useValue: validationPipe },
  ],
  exports: [ControlStreams],
})
export class ApiModule {}
