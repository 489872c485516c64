import { hostname } from 'node:os';

import { Module } from '@nestjs/common';

import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.schema.js';
import { Clock } from '../platform/clock.js';
import type { KubernetesClient } from '../platform/kubernetes/kubernetes-client.js';
import { KUBERNETES } from '../platform/kubernetes/kubernetes.module.js';
import { Logger } from '../platform/logger.js';
import { Randomness } from '../platform/randomness.js';
import { Leadership } from './leadership.js';
import { SoleLeadership } from './sole-leadership.js';

const SECOND = 1_000;

type Needs = [Settings, Clock, Randomness, Logger, KubernetesClient | undefined];

/**
 * In a cluster there is a Lease, even for a store in memory: a second replica then is not ready before it leads, instead
 * of serving what only it knows. A process that keeps its own pods leads them.
 */
async function makeLeadership(...[settings, clock, randomness, logger, kubernetes]: Needs): Promise<Leadership> {
  const identity = `${hostname()}_${randomness.uuid()}`;
  if (!kubernetes) return new SoleLeadership(clock, identity);
  const { LeaseLeadership } = await import('./lease/lease-leadership.js');
  const { KubernetesLeaseLock } = await import('./lease/kubernetes-lease-lock.js');
  const durations = {
    leaseMs: settings.LEASE_DURATION_SECONDS * SECOND,
    renewDeadlineMs: settings.LEASE_RENEW_DEADLINE_SECONDS * SECOND,
    retryMs: settings.LEASE_RETRY_SECONDS * SECOND,
  };
  const deadlineMs = durations.renewDeadlineMs / 2;
  const lock = new KubernetesLeaseLock(kubernetes, settings.LEASE_NAME, deadlineMs, { clock, randomness, logger });
  return new LeaseLeadership({ lock, identity, durations, clock, randomness, logger });
}

@Module({
  providers: [
    { provide: Leadership, inject: [SETTINGS, Clock, Randomness, Logger, KUBERNETES], useFactory: makeLeadership },
  ],
  exports: [Leadership],
})
export class LeadershipModule {}
