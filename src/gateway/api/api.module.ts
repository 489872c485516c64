import { Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';

import { Audit } from './audit.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { CallerGuard } from './caller.guard.js';
import { ControlStreams } from './control-streams.js';
import { GenerationInterceptor } from './generation.interceptor.js';
import { serveApiDocs } from './openapi.js';
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

/** For NestFactory.create: bodies are read behind the guard, never before it. */
export const API_OPTIONS = { bodyParser: false } as const;

/** What cannot be said in a module. To be called before the application is initialised. */
export function prepareApi(app: NestExpressApplication): void {
  app.disable('x-powered-by');
  // A status that has not changed is still an answer, not a 304.
  app.set('etag', false);
  // One spelling for each path, as in the route table. The setting itself would come too late: Nest's adapter has
  // made the router by now.
  const { router } = app.getHttpAdapter().getInstance() as unknown as {
    router: { caseSensitive: boolean; strict: boolean };
  };
  router.caseSensitive = true;
  router.strict = true;
  serveApiDocs(app);
}
