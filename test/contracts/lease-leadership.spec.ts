import { setTimeout as pass } from 'node:timers/promises';

import { KubernetesLeaseLock } from '../../src/leadership/lease/kubernetes-lease-lock.js';
import { LeaseLeadership } from '../../src/leadership/lease/lease-leadership.js';
import { SystemClock } from '../../src/platform/clock.js';
import { KubernetesClient } from '../../src/platform/kubernetes/kubernetes-client.js';
import { SystemRandomness } from '../../src/platform/randomness.js';
import { describeWithControlPlane, ownNamespace, type OwnNamespace } from '../support/kubernetes/index.js';
import { SilentLogger } from '../support/silent-logger.js';
import { type LeadershipHarness, leadershipContract } from './leadership.contract.js';

const durations = { leaseMs: 3_000, renewDeadlineMs: 2_000, retryMs: 500 };

/** Every candidate has its own connections, as replicas have. */
async function harness(): Promise<LeadershipHarness> {
  const namespace: OwnNamespace = await ownNamespace({ prefix: 'lease' });
  const clients: KubernetesClient[] = [];
  return {
    candidate: (identity) => {
      const client = KubernetesClient.load({ kubeconfigPath: namespace.berthKubeconfig, namespace: namespace.name });
      clients.push(client);
      const watching = { clock: new SystemClock(), randomness: new SystemRandomness(), logger: new SilentLogger() };
      const lock = new KubernetesLeaseLock(client, 'berth-leader', 1_000, watching);
      return new LeaseLeadership({ lock, identity, durations, ...watching });
    },
    advance: (ms) => pass(ms),
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await namespace.remove();
    },
  };
}

describeWithControlPlane('against a real API server', () => {
  leadershipContract('the leadership by a Lease', harness, { candidates: 2, patienceMs: 1_700 });
});
