import { Global, Module } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Registry } from 'prom-client';

import { SETTINGS } from '../config/config.module.js';
import { processSurroundings } from '../config/environment.js';
import type { Settings } from '../config/settings.schema.js';
import { StartFault } from '../config/start-fault.js';
import { Leadership } from '../leadership/leadership.js';
import { LeadershipModule } from '../leadership/leadership.module.js';
import { Clock } from '../platform/clock.js';
import { Logger } from '../platform/logger.js';
import { Randomness } from '../platform/randomness.js';
import { registerLifecycleGauges } from './lifecycle-gauges.js';
import { ScheduledTimers } from './leading/scheduled-timers.js';
import { LifecycleMetrics } from './lifecycle.metrics.js';
import { Lifecycle, type LifecycleTiming } from './lifecycle.js';
import { ProcessSessionRuntime } from './runtime/process/process-session-runtime.js';
import type { ProcessRuntimeOptions } from './runtime/process/supervision.js';
import { SessionRuntime } from './runtime/session-runtime.js';
import { Sessions } from './sessions.js';
import { MemorySessionStore } from './store/memory-session-store.js';
import { SessionStore } from './store/session-store.js';
import { builtInTemplate, readTemplates } from './templates/read-templates.js';
import { Templates } from './templates/templates.js';

const SECOND = 1_000;

/** STORE chooses. */
function makeStore(settings: Settings, clock: Clock, randomness: Randomness): SessionStore {
  const limits = {
    maxSessions: settings.MAX_CONCURRENT_SESSIONS,
    maxSessionsPerOwner: settings.MAX_SESSIONS_PER_OWNER,
    startTimeoutMs: settings.POD_CREATION_TIMEOUT * SECOND,
    tombstoneMs: settings.TOMBSTONE_SECONDS * SECOND,
  };
  switch (settings.STORE) {
    case 'memory':
      return new MemorySessionStore(clock, randomness, limits);
  }
}

/** RUNTIME chooses. */
async function makeRuntime(
  settings: Settings,
  clock: Clock,
  randomness: Randomness,
  log: Logger,
): Promise<SessionRuntime> {
  switch (settings.RUNTIME) {
    case 'process':
      return makeProcessRuntime({ ...processSurroundings(settings), clock, randomness, log });
  }
}

async function makeProcessRuntime(options: ProcessRuntimeOptions & { stateRoot: string }): Promise<SessionRuntime> {
  const runtime = new ProcessSessionRuntime(options);
  try {
    await runtime.prepare();
    return runtime;
  } catch (error) {
    const why = (error as Error).message;
    const sentence = `State folders cannot be kept under ${options.stateRoot}: ${why}. Set PROCESS_STATE_PATH to a folder that may be written.`;
    throw new StartFault(sentence, { cause: error });
  }
}

function makeTemplates(settings: Settings): Templates {
  return new Templates(readTemplates(settings.TEMPLATES_PATH, builtInTemplate(settings)), {
    idleTimeoutMs: settings.IDLE_TIMEOUT_SECONDS * SECOND,
    maxLifetimeMs: settings.MAX_LIFETIME_SECONDS * SECOND,
    port: settings.SESSION_POD_PORT,
    warmPoolSize: 0,
  });
}

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
  const levels = { maxSessions: settings.MAX_CONCURRENT_SESSIONS, warmPoolTarget: 0 };
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
    { provide: SessionStore, inject: [SETTINGS, Clock, Randomness], useFactory: makeStore },
    { provide: SessionRuntime, inject: [SETTINGS, Clock, Randomness, Logger], useFactory: makeRuntime },
    { provide: Templates, inject: [SETTINGS], useFactory: makeTemplates },
    { provide: Lifecycle, inject: [...LIFECYCLE_NEEDS], useFactory: makeLifecycle },
    { provide: Sessions, inject: [Lifecycle], useFactory: (lifecycle: Lifecycle) => lifecycle.sessions },
  ],
  exports: [Lifecycle, Sessions, SessionRuntime, SessionStore],
})
export class LifecycleModule {}
