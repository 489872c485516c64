import { Module } from '@nestjs/common';
import { Registry } from 'prom-client';

import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.schema.js';
import { Sessions } from '../lifecycle/sessions.js';
import { Clock } from '../platform/clock.js';
import { Logger } from '../platform/logger.js';
import { Randomness } from '../platform/randomness.js';
import { Secrets } from '../vault/secrets.js';
import { ApiModule } from './api/api.module.js';
import { ControlStreams } from './api/control-streams.js';
import { AuthModule } from './auth/auth.module.js';
import { Authenticator } from './auth/authenticator.js';
import { assembleEdge, type EdgeNeeds } from './edge/assemble-edge.js';
import { EdgeServer } from './edge/edge-server.js';
import { GatewayMetrics } from './gateway.metrics.js';
import { RateLimiter } from './rate-limiter.js';

const EDGE_NEEDS = Symbol('EDGE_NEEDS');

/** Everything HTTP: the port with the way to the pods (edge, proxy), and the API behind it. */
@Module({
  imports: [AuthModule, ApiModule],
  providers: [
    {
      provide: GatewayMetrics,
      inject: [Registry],
      useFactory: (registry: Registry) => new GatewayMetrics(registry),
    },
    {
      provide: EDGE_NEEDS,
      inject: [Sessions, Authenticator, RateLimiter, GatewayMetrics, Clock, Logger, Randomness],
      useFactory: (
        sessions: Sessions,
        authenticator: Authenticator,
        rateLimiter: RateLimiter,
        metrics: GatewayMetrics,
        ...[clock, logger, randomness]: [Clock, Logger, Randomness]
      ): EdgeNeeds => ({ sessions, authenticator, rateLimiter, metrics, platform: { clock, logger, randomness } }),
    },
    {
      provide: EdgeServer,
      inject: [SETTINGS, EDGE_NEEDS, ControlStreams, Secrets],
      useFactory: (settings: Settings, needs: EdgeNeeds, streams: ControlStreams, { certificate }: Secrets) => {
        const edge = assembleEdge(settings, needs, { tls: certificate?.pair });
        certificate?.onChange((pair) => edge.useCertificate(pair));
        edge.onDrain(() => streams.endAll());
        return edge;
      },
    },
  ],
  exports: [EdgeServer],
})
export class GatewayModule {}
