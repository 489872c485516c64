/** The parts of one replica that reap, among few sessions and among many in turn; started by `reap.ts`, which it tells what each pass took. */
import { KubernetesSessionRuntime } from '../../../src/lifecycle/runtime/kubernetes/kubernetes-session-runtime.js';
import { KubernetesClient } from '../../../src/platform/kubernetes/kubernetes-client.js';
import { POD_SETTINGS } from '../../pod-settings.js';
import { type Passed, Reaping } from '../../store-reaping.js';
import { connected, MEANS } from '../../store-stage.js';

export interface Side {
  kubeconfig: string;
  namespace: string;
  redisPort: number;
  sessions: number;
}

export interface Order {
  few: Side;
  many: Side;
  due: number;
  rounds: number;
}

/** One of each for each round. */
export interface Told {
  few: Passed[];
  many: Passed[];
  noneDue: Passed[];
}

async function reapingOn({ kubeconfig, namespace, redisPort, sessions }: Side, due: number): Promise<Reaping> {
  const { clock, randomness, logger } = MEANS;
  const client = KubernetesClient.load({ kubeconfigPath: kubeconfig, namespace });
  const runtime = new KubernetesSessionRuntime(client, POD_SETTINGS, clock, randomness, logger);
  const store = await connected({ address: { host: '127.0.0.1', port: redisPort } });
  const reaping = await Reaping.begin(store, runtime);
  await reaping.standTo(sessions - due);
  return reaping;
}

async function main({ few, many, due, rounds }: Order): Promise<Told> {
  const [amongFew, amongMany] = [await reapingOn(few, due), await reapingOn(many, due)];
  const told: Told = { few: [], many: [], noneDue: [] };
  // The first pass of a process compiles what it runs.
  await amongFew.pass(due);
  for (let round = 0; round < rounds; round += 1) {
    const turns = [
      async () => told.few.push(await amongFew.pass(due)),
      async () => told.many.push(await amongMany.pass(due)),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  await amongMany.standTo(many.sessions);
  for (let round = 0; round < rounds; round += 1) told.noneDue.push(await amongMany.pass(0));
  return told;
}

void main(JSON.parse(process.argv[2]!) as Order).then(
  (told) => process.send!(told, () => process.exit(0)),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
