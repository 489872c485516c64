// Run by `helm test` in a pod of the sessions' namespace: can such a pod reach what its network policy forbids?
// Says what it found; fails only where ISOLATION_REQUIRED is true, because many network plugins enforce nothing.
import { connect } from 'node:net';

const ANSWER_MS = 3_000;
/** The metadata service answers only in clouds: that it is silent proves nothing, that it answers does. */
const FORBIDDEN = [
  ['the API server', process.env.KUBERNETES_API_HOST ?? 'kubernetes.default.svc', 443],
  ['Berth itself', process.env.BERTH_HOST, Number(process.env.BERTH_PORT)],
  ['the metadata service', '169.254.169.254', 80],
];

function canReach(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: ANSWER_MS });
    const end = (outcome) => () => {
      socket.destroy();
      resolve(outcome);
    };
    // A refusal comes from the host itself: the way there was open.
    socket.on('connect', end(true)).on('timeout', end(false));
    socket.on('error', (error) => end(error.code === 'ECONNREFUSED')());
  });
}

const reached = [];
for (const [name, host, port] of FORBIDDEN) {
  const isReached = await canReach(host, port);
  console.log(`${isReached ? 'REACHED    ' : 'not reached'} ${name} (${host}:${port})`);
  if (isReached) reached.push(name);
}
if (reached.length === 0) {
  console.log('Network policies are enforced: session pods reach nothing that they should not.');
} else {
  console.log(`NETWORK POLICIES ARE NOT ENFORCED by this cluster: session pods reach ${reached.join(', ')}.`);
  console.log(
    'Session pods are not isolated from the network until a network plugin that enforces policies is installed.',
  );
  process.exitCode = process.env.ISOLATION_REQUIRED === 'true' ? 1 : 0;
}
