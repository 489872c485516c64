import type { INestApplication } from '@nestjs/common';

import { SETTINGS } from './config/config.module.js';
import type { Settings } from './config/settings.schema.js';
import { type DrainCounts, EdgeServer } from './gateway/edge/edge-server.js';
import { Readiness } from './health/readiness.js';
import { Leadership } from './leadership/leadership.js';
import { Lifecycle } from './lifecycle/lifecycle.js';
import { SessionRuntime } from './lifecycle/runtime/session-runtime.js';
import { SessionStore } from './lifecycle/store/session-store.js';
import type { MetricsEndpoint } from './metrics/metrics-endpoint.js';
import { Clock, pause } from './platform/clock.js';
import type { KubernetesClient } from './platform/kubernetes/kubernetes-client.js';
import { KUBERNETES } from './platform/kubernetes/kubernetes.module.js';
import type { Logger } from './platform/logger.js';
import { Secrets } from './vault/secrets.js';

/** The part of the drain time for which requests are still held. */
const HOLD_FOR = 0.8;

/**
 * The order of a clean stop, as one list. Nobody new is sent here, what is open is finished, only then the work of
 * the leader and the clients end; the pods of the process runtime go last, for until then somebody may be using them.
 */
export async function shutDown(app: INestApplication, metrics: MetricsEndpoint, logger: Logger): Promise<number> {
  const settings = app.get<Settings>(SETTINGS);
  const steps: readonly [string, () => unknown][] = [
    ['not ready', () => app.get(Readiness).drain()],
    ['keep no connection', () => app.get(EdgeServer).stopKeepingAlive()],
    ['wait for endpoints', () => pause(app.get(Clock), settings.SHUTDOWN_DELAY_SECONDS * 1_000)],
    ['drain', () => drain(app, settings.SHUTDOWN_DRAIN_SECONDS * 1_000)],
    ['stop leading', () => app.get(Leadership).stop()],
    ['stop lifecycle', () => app.get(Lifecycle).stop()],
    ['stop pods', () => app.get(SessionRuntime).stop()],
    ['close store', () => app.get(SessionStore).close()],
    ['close cluster', () => app.get<KubernetesClient | undefined>(KUBERNETES)?.close()],
    ['close secrets', () => app.get(Secrets).close()],
    ['close metrics', () => metrics.close()],
    ['close', () => app.close()],
  ];
  let code = 0;
  for (const [step, run] of steps) {
    try {
      const outcome = await run();
      logger.debug({ event: 'stopping.step', step, outcome });
    } catch (error) {
      code = 1;
      logger.error({ event: 'stopping.failed', step, error }, `Stopping: ${step} failed; going on.`);
    }
  }
  logger.info({ event: 'stopped' }, 'Stopped.');
  return code;
}

/** Requests that wait for a pod may still get it; those that did not get it in time are told so before they are cut. */
async function drain(app: INestApplication, drainMs: number): Promise<DrainCounts> {
  const timer = app.get(Clock).after(drainMs * HOLD_FOR, () => app.get(Lifecycle).turnAwayHeld());
  const counts = await app.get(EdgeServer).drain(drainMs);
  timer.cancel();
  return counts;
}
