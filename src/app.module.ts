import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';

import { ConfigModule } from './config/config.module.js';
import type { Settings } from './config/settings.schema.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { HealthModule } from './health/health.module.js';
import { LeadershipModule } from './leadership/leadership.module.js';
import { LifecycleModule } from './lifecycle/lifecycle.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { KubernetesModule } from './platform/kubernetes/kubernetes.module.js';
import { PlatformModule } from './platform/platform.module.js';
import type { Logger } from './platform/logger.js';
import { VaultModule } from './vault/vault.module.js';

/** Every module of one replica. */
@Module({})
export class AppModule {
  static with(settings: Settings, logger: Logger): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(settings),
        PlatformModule.with(logger),
        KubernetesModule,
        ScheduleModule.forRoot(),
        MetricsModule,
        VaultModule,
        LeadershipModule,
        LifecycleModule,
        HealthModule,
        GatewayModule,
      ],
    };
  }
}
