/**
 * A process that stands for a lease and tells what it does, one JSON line each, with the moment of the machine's
 * monotonic clock. Arguments: kubeconfig, namespace, identity, durations as JSON. Its task works every few
 * milliseconds as long as its signal lets it; anything on its standard input stops it.
 */
import { clearInterval, setInterval } from 'node:timers';

import { KubernetesLeaseLock } from '../../src/leadership/lease/kubernetes-lease-lock.js';
import { LeaseLeadership } from '../../src/leadership/lease/lease-leadership.js';
import { SystemClock } from '../../src/platform/clock.js';
import { KubernetesClient } from '../../src/platform/kubernetes/kubernetes-client.js';
import { SystemRandomness } from '../../src/platform/randomness.js';
import { SilentLogger } from './silent-logger.js';

const [kubeconfigPath, namespace, identity, durationsText] = process.argv.slice(2);
const durations = JSON.parse(durationsText);
const parts = { clock: new SystemClock(), randomness: new SystemRandomness(), logger: new SilentLogger() };
const client = KubernetesClient.load({ kubeconfigPath, namespace });
const lock = new KubernetesLeaseLock(client, 'berth-leader', durations.renewDeadlineMs / 2, parts);
const leadership = new LeaseLeadership({ lock, identity, durations, ...parts });

const tell = (did) => console.log(JSON.stringify({ did, atMs: Number(process.hrtime.bigint() / 1_000_000n) }));

leadership.add({
  name: 'work',
  run: (whileLeading) =>
    new Promise((resolve) => {
      // Due again and again before any timer of the lease: it is the first to run when the process wakes up.
      const timer = setInterval(() => {
        if (!whileLeading.aborted) return tell('work');
        tell('stop');
        clearInterval(timer);
        resolve();
      }, 5);
    }),
});
await leadership.start();
tell('stand');
process.stdin.once('data', () => {
  void leadership
    .stop()
    .then(() => client.close())
    .then(() => process.exit(0));
});
