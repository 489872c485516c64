// Run by `helm test` in a pod under the session pods' policy: can such a pod reach what that forbids?
// Says what it found; fails only where ISOLATION_REQUIRED is true, because many network plugins enforce nothing.
//
// A plugin may need a while until it knows a new pod: what is reached is tried again for ISOLATION_WAIT_SECONDS (30). A name that
// cannot be looked up says nothing about the way there, which is why the API server is tried by its address.
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';

const ANSWER_MS = 3_000;
const AGAIN_MS = 1_000;
const waitMs = Number(process.env.ISOLATION_WAIT_SECONDS ?? 30) * 1_000;
const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT, BERTH_HOST, BERTH_PORT, METADATA_HOST } = process.env;

/** The metadata service answers only in clouds: that it is silent proves nothing, that it answers does. */
const FORBIDDEN = [
  ['the API server', KUBERNETES_SERVICE_HOST ?? 'kubernetes.default.svc', Number(KUBERNETES_SERVICE_PORT ?? 443)],
  ['Berth itself', BERTH_HOST, Number(BERTH_PORT)],
  ['the metadata service', METADATA_HOST ?? '169.254.169.254', 80],
];
/** What the kernel says where packets get nowhere. A refusal comes from the host itself: the way there was open. */
const BLOCKED = ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EPERM'];

const outcomeOf = ({ code }) => (code === 'ECONNREFUSED' ? 'reached' : BLOCKED.includes(code) ? 'blocked' : 'unknown');

async function attempt(host, port) {
  const found = await lookup(host).catch(() => undefined);
  if (!found) return 'unknown';
  return new Promise((resolve) => {
    const socket = connect({ host: found.address, port, timeout: ANSWER_MS });
    const end = (outcome) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.on('connect', () => end('reached')).on('timeout', () => end('blocked'));
    socket.on('error', (error) => end(outcomeOf(error)));
  });
}

async function settled([name, host, port]) {
  const untilMs = Date.now() + waitMs;
  for (;;) {
    const outcome = await attempt(host, port);
    if (outcome === 'blocked' || Date.now() >= untilMs) return { name, host, port, outcome };
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

const SHOWN = { reached: 'REACHED    ', blocked: 'not reached', unknown: 'UNKNOWN    ' };
const tried = await Promise.all(FORBIDDEN.map(settled));
for (const { name, host, port, outcome } of tried) console.log(`${SHOWN[outcome]} ${name} (${host}:${port})`);
const namesOf = (wanted) => tried.flatMap(({ name, outcome }) => (outcome === wanted ? [name] : [])).join(', ');

if (namesOf('reached')) {
  console.log(`NETWORK POLICIES ARE NOT ENFORCED by this cluster: session pods reach ${namesOf('reached')}.`);
  console.log(
    'Session pods are not isolated from the network until a network plugin that enforces policies is installed.',
  );
} else if (namesOf('unknown')) {
  console.log(`WHETHER NETWORK POLICIES ARE ENFORCED IS NOT KNOWN: ${namesOf('unknown')} could not be tried.`);
} else {
  console.log('Network policies are enforced: session pods reach nothing that they should not.');
}
const isShown = tried.every(({ outcome }) => outcome === 'blocked');
process.exitCode = process.env.ISOLATION_REQUIRED === 'true' && !isShown ? 1 : 0;
