import { BerthClient, type Claims } from '../support/berth-client.js';
import { apply, helm, kubectl, kubectlJson, podsOf } from './cluster.js';

export const NAMESPACE = 'berth-e2e';
export const SESSIONS = 'berth-sessions';
export const NAME = 'berth';
export const BERTH_PODS = 'app.kubernetes.io/instance=berth,app.kubernetes.io/component=berth';
const VOLUME = 'berth-e2e-redis';
/** Where a volume is on the node that is made by hand. */
const ON_NODE = '/var/tmp/berth-e2e';
const SERVICE_WAIT = '180s';

/** Signs its tokens with the key that the chart has made. */
class ReleaseClient extends BerthClient {
  constructor(
    url: string,
    private readonly secret: string,
  ) {
    super(url, url);
  }

  override token(subject: string, claims: Claims = {}): string {
    return super.token(subject, { secret: this.secret, ...claims });
  }
}

export interface Release {
  client: BerthClient;
  /** What Helm printed at the install. */
  notes: string;
  tookMs: number;
}

function imageArguments(): string[] {
  const image = process.env.BERTH_IMAGE;
  if (!image) throw new Error('BERTH_IMAGE names the image to install');
  const at = image.lastIndexOf(':');
  return ['--set', `image.repository=${image.slice(0, at)}`, '--set-string', `image.tag=${image.slice(at + 1)}`];
}

/** With nothing set but the image. */
export async function install(...more: string[]): Promise<Release> {
  await makeVolumeWhereNobodyDoes();
  const beganAtMs = performance.now();
  const chart = [NAME, 'helm/berth', '--namespace', NAMESPACE, '--create-namespace', ...imageArguments(), ...more];
  const notes = await helm('install', ...chart, '--wait', '--timeout', SERVICE_WAIT);
  const tookMs = performance.now() - beganAtMs;
  return { client: await clientOf(), notes, tookMs };
}

export async function upgrade(...more: string[]): Promise<void> {
  const chart = [NAME, 'helm/berth', '--namespace', NAMESPACE, ...imageArguments(), ...more];
  await helm('upgrade', ...chart, '--wait', '--timeout', SERVICE_WAIT);
  await kubectl('-n', NAMESPACE, 'rollout', 'status', `deployment/${NAME}`, `--timeout=${SERVICE_WAIT}`);
}

/** Also what a run before this one may have left. */
export async function uninstall(): Promise<void> {
  await helm('uninstall', NAME, '--namespace', NAMESPACE, '--wait', '--ignore-not-found');
  await kubectl('-n', NAMESPACE, 'delete', 'pods', '-l', 'app.kubernetes.io/component=test', '--ignore-not-found');
}

export async function removeTraces(): Promise<void> {
  await kubectl('delete', 'namespace', NAMESPACE, SESSIONS, '--ignore-not-found');
  const volume = await kubectl('delete', 'persistentvolume', VOLUME, '--ignore-not-found');
  if (volume) await onNode(`rm -rf ${ON_NODE}/redis`);
}

async function clientOf(): Promise<BerthClient> {
  const service = await kubectlJson<{ spec: { clusterIP: string } }>('-n', NAMESPACE, 'get', 'service', NAME);
  return new ReleaseClient(`http://${service.spec.clusterIP}`, await keyOf());
}

async function keyOf(): Promise<string> {
  const { data } = await kubectlJson<{ data: Record<string, string> }>(
    '-n',
    NAMESPACE,
    'get',
    'secret',
    `${NAME}-token`,
  );
  return Buffer.from(data.AUTH_TOKEN_SECRET!, 'base64').toString();
}

/** A cluster has somebody who makes volumes; where nobody does, one is made by hand. */
async function makeVolumeWhereNobodyDoes(): Promise<void> {
  const { items } = await kubectlJson<{ items: unknown[] }>('get', 'storageclasses');
  if (items.length > 0) return;
  await onNode(`rm -rf ${ON_NODE}/redis && mkdir -m 777 ${ON_NODE}/redis`);
  await apply({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: VOLUME },
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { namespace: NAMESPACE, name: `data-${NAME}-redis-0` },
      hostPath: { path: `${ON_NODE}/redis` },
    },
  });
}

/** Kubernetes gives a folder of the node to nobody but root. */
async function onNode(script: string): Promise<void> {
  const name = 'berth-e2e-on-node';
  await kubectl('-n', 'default', 'delete', 'pod', name, '--ignore-not-found');
  await apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      restartPolicy: 'Never',
      volumes: [{ name: 'node', hostPath: { path: ON_NODE, type: 'DirectoryOrCreate' } }],
      containers: [
        {
          name: 'shell',
          image: process.env.BERTH_IMAGE,
          imagePullPolicy: 'IfNotPresent',
          command: ['sh', '-ec', script],
          securityContext: { runAsUser: 0 },
          volumeMounts: [{ name: 'node', mountPath: ON_NODE }],
        },
      ],
    },
  });
  await kubectl('-n', 'default', 'wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${name}`, '--timeout=60s');
  await kubectl('-n', 'default', 'delete', 'pod', name);
}

export async function replicas(): Promise<string[]> {
  const pods = await podsOf(NAMESPACE, BERTH_PODS);
  return pods.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
}

export async function leader(): Promise<string> {
  const lease = await kubectlJson<{ spec: { holderIdentity: string } }>('-n', SESSIONS, 'get', 'lease', 'berth-leader');
  return lease.spec.holderIdentity;
}
