import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';

import { Leadership } from '../leadership/leadership.js';
import { LeadershipModule } from '../leadership/leadership.module.js';
import { LifecycleModule } from '../lifecycle/lifecycle.module.js';
import { SessionStore } from '../lifecycle/store/session-store.js';
import { Secrets } from '../vault/secrets.js';
import { HealthController, HealthParts } from './health.controller.js';
import { Readiness } from './readiness.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false }), LifecycleModule, LeadershipModule],
  controllers: [HealthController],
  providers: [
    Readiness,
    {
      provide: HealthParts,
      inject: [SessionStore, Leadership, Secrets],
      useFactory: (store: SessionStore, leadership: Leadership, secrets: Secrets): HealthParts => ({
        store,
        leadership,
        secrets,
      }),
    },
  ],
  exports: [Readiness],
})
export class HealthModule {}
