import { Global, Module } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Registry } from 'prom-client';

import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.schema.js';
import { Leadership } from '../leadership/leadership.js';
import { LeadershipModule } from '../leadership/leadership.module.js';
import { Clock } from '../platform/clock.js';
import type { KubernetesClient } from '../platform/kubernetes/kubernetes-client.js';
import { KUBERNETES } from '../platform/kubernetes/kubernetes.module.js';
import { Logger } from '../platform/logger.js';
import { Randomness } from '../platform/randomness.js';
import { Secrets } from '../vault/secrets.js';
import { registerLifecycleGauges } from './lifecycle-gauges.js';
import { ScheduledTimers } from './leading/scheduled-timers.js';
import { LifecycleMetrics } from './lifecycle.metrics.js';
import { Lifecycle, type LifecycleTiming } from './lifecycle.js';
import { makeRuntime } from './runtime/make-runtime.js';
import { SessionRuntime } from './runtime/session-runtime.js';
import { Sessions } from './sessions.js';
import { makeStore } from './store/make-store.js';
import { SessionStore } from './store/session-store.js';
import { builtInTemplate, readTemplates } from './templates/read-templates.js';
import { Templates } from './templates/templates.js';

const SECOND = 1_000;

function makeTemplates(settings: Settings): Templates {
  return new Templates(readTemplates(settings.TEMPLATES_PATH, builtInTemplate(settings)), {
    idleTimeoutMs: settings.IDLE_TIMEOUT_SECONDS * SECOND,
    maxLifetimeMs: settings.MAX_LIFETIME_SECONDS * SECOND,
    port: settings.SESSION_POD_PORT,
    warmPoolSize: settings.WARM_POOL_SIZE,
  });
}

type StoreNeeds = [Settings, Clock, Randomness, Logger, Secrets];
type RuntimeNeeds = [Settings, Clock, Randomness, Logger, KubernetesClient | undefined];

const LIFECYCLE_NEEDS = [
  SETTINGS,
  SessionStore,
  SessionRuntime,
  Leadership,
  Templates,
  Registry,
  SchedulerRegistry,
  Clock,
  Logger,
] as const;
type LifecycleNeeds = [
  Settings,
  SessionStore,
  SessionRuntime,
  Leadership,
  Templates,
  Registry,
  SchedulerRegistry,
  Clock,
  Logger,
];

function makeLifecycle(...needs: LifecycleNeeds): Lifecycle {
  const [settings, store, runtime, leadership, templates, registry, scheduler, clock, logger] = needs;
  const lifecycle = new Lifecycle({
    store,
    runtime,
    leadership,
    templates,
    timing: timingOf(settings),
    metrics: new LifecycleMetrics(registry),
    timers: new ScheduledTimers(scheduler),
    clock,
    logger,
  });
  const { pods, inUse, waiting, limiter } = lifecycle;
  const warmPoolTarget = templates.all().reduce((sum, { warmPoolSize }) => sum + warmPoolSize, 0);
  const levels = { maxSessions: settings.MAX_CONCURRENT_SESSIONS, warmPoolTarget };
  registerLifecycleGauges(registry, { store, leadership, pods, inUse, waiting, limiter, ...levels });
  return lifecycle;
}

function timingOf(settings: Settings): LifecycleTiming {
  return {
    startTimeoutMs: settings.POD_CREATION_TIMEOUT * SECOND,
    drainMs: settings.SHUTDOWN_DRAIN_SECONDS * SECOND,
    cleanupEveryMs: settings.CLEANUP_INTERVAL_SECONDS * SECOND,
    maxConcurrentCreations: settings.MAX_CONCURRENT_CREATIONS,
    maxPendingRequests: settings.MAX_PENDING_REQUESTS,
  };
}

@Global()
@Module({
  imports: [LeadershipModule],
  providers: [
    {
      provide: SessionStore,
      inject: [SETTINGS, Clock, Randomness, Logger, Secrets],
      useFactory: (...[settings, clock, randomness, logger, secrets]: StoreNeeds) =>
        makeStore(settings, { clock, randomness, logger, secrets }),
    },
    {
      provide: SessionRuntime,
      inject: [SETTINGS, Clock, Randomness, Logger, KUBERNETES],
      useFactory: (...[settings, clock, randomness, logger, kubernetes]: RuntimeNeeds) =>
        makeRuntime(settings, { clock, randomness, logger, kubernetes }),
    },
    { provide: Templates, inject: [SETTINGS], useFactory: makeTemplates },
    { provide: Lifecycle, inject: [...LIFECYCLE_NEEDS], useFactory: makeLifecycle },
    { provide: Sessions, inject: [Lifecycle], useFactory: (lifecycle: Lifecycle) => lifecycle.sessions },
  ],
  exports: [Lifecycle, Sessions, SessionRuntime, SessionStore],
})
export class LifecycleModule {}
