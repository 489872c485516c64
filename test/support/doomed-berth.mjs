/**
 * A process that holds a process runtime and waits to be killed. Its first argument is the state root; each further one
 * is a JSON list, the command of a pod. Prints one JSON line with the pods once all are ready; `delete` on its standard
 * input orders their deletion.
 */
import { parseSessionId } from '../../src/lifecycle/session-id.js';
import { ProcessSessionRuntime } from '../../src/lifecycle/runtime/process/process-session-runtime.js';
import { SystemClock } from '../../src/platform/clock.js';
import { SilentLogger } from './silent-logger.js';
import { SystemRandomness } from '../../src/platform/randomness.js';

const [stateRoot, ...commands] = process.argv.slice(2);
const runtime = new ProcessSessionRuntime({
  clock: new SystemClock(),
  randomness: new SystemRandomness(),
  log: new SilentLogger(),
  defaultCommand: ['sh', '-c', 'echo there is no default command; exit 1'],
  baseEnv: { PATH: process.env.PATH },
  logLevel: 'info',
  stateRoot,
  stopGraceMs: 600_000,
});

const definition = { name: 'plain', hash: '', args: [], env: {}, clientEnv: [], healthPath: '/health' };
const assignment = { owner: 'alice', generation: 1, opening: 1, template: 'plain', env: {} };
const ready = new Map();
runtime.watch((pod) => {
  if (pod.phase !== 'ready' || ready.has(pod.name)) return;
  ready.set(pod.name, pod);
  if (ready.size === commands.length) console.log(JSON.stringify([...ready.values()]));
});

const orders = commands.map((command, at) => ({
  ...assignment,
  id: parseSessionId(`doomed-${at}`),
  definition: { ...definition, command: JSON.parse(command) },
}));
await Promise.all(orders.map((order) => runtime.create(order)));

process.stdin.on('data', async () => {
  for (const pod of await runtime.list()) await runtime.delete(await runtime.mark(pod, 0));
  console.log('deleting');
});
