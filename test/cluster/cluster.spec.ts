import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { proxied } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import { expectNoneFailed, Load } from '../support/load.js';
import { helm, kubectl, podsOf } from './cluster.js';
import { spreadOf, timeBarePod, timeFirstRequest } from './first-answers.js';
import {
  BERTH_PODS,
  install,
  leader,
  NAMESPACE,
  type Release,
  removeTraces,
  replicas,
  SESSIONS,
  uninstall,
  upgrade,
} from './release.js';

/** The chart and the image on a cluster with a kubelet, from the first install to nothing left. In this order. */

const SOON_MS = 60_000;
const NEW_LEADER_MS = 30_000;
const COLD = 20;
const BARE = 10;
const WARM = 20;
const POOL = 5;
const figures: Record<string, unknown> = {};

const sessionPods = (id: string) => podsOf(SESSIONS, `session-id=${id}`);

describe('on a real cluster, Berth', () => {
  let release: Release;

  beforeAll(async () => {
    await uninstall();
    await removeTraces();
    release = await install();
    figures['helm install, to ready'] = `${(release.tookMs / 1_000).toFixed(1)} s`;
  }, 400_000);

  afterAll(async () => {
    await release?.client.close();
    await uninstall();
    await removeTraces();
    console.log(JSON.stringify(figures, undefined, 2));
  }, 200_000);

  it(
    'comes up with two replicas, with nothing set but its image',
    async () => {
      await eventually(async () => {
        const pods = await podsOf(NAMESPACE, BERTH_PODS);
        expect(pods.map(isReady)).toEqual([true, true]);
      }, SOON_MS);
    },
    2 * SOON_MS,
  );

  it(
    'answers the curl of its notes',
    async () => {
      const lines = release.notes.split('\n').filter((line) => line.startsWith('  '));
      const curl = `set -e\n${lines.join('\n').replace('&\n', '&\nsleep 3\n')}\nkill $!`;
      const { stdout } = await promisify(execFile)('bash', ['-c', curl]);
      expect(stdout).toContain('"executions":1');
    },
    SOON_MS,
  );

  it('passes helm test, which says whether network policies are enforced', async () => {
    const said = await helm('test', 'berth', '--namespace', NAMESPACE, '--logs');
    expect(said).toContain('serves sessions.');
    expect(said).toMatch(/NETWORK POLICIES ARE NOT ENFORCED|Network policies are enforced/);
  }, 120_000);

  it('answers a first request soon after a bare pod would', async () => {
    const bare: number[] = [];
    const cold: number[] = [];
    for (let at = 0; at < COLD; at += 1) {
      if (at < BARE) bare.push(await timeBarePod(`bare-${at}`));
      const { ms, start } = await timeFirstRequest(release.client, `cold-${at}`);
      expect(start).toBe('cold');
      cold.push(ms);
    }
    figures['bare pod, create to first answer'] = spreadOf(bare);
    figures['first request, cold pod'] = spreadOf(cold);
    figures['cold over bare, medians'] = (spreadOf(cold).medianMs / spreadOf(bare).medianMs).toFixed(2);
  }, 300_000);

  it('ends a session that nobody uses, and its pod', async () => {
    await release.client.put('idle', { idleTimeoutSeconds: 2 });
    expect(await release.client.execute('idle', {})).toMatchObject({ status: 200 });
    await eventually(async () => {
      expect(await release.client.status('idle')).toMatchObject({ status: 404 });
      expect(await sessionPods('idle')).toEqual([]);
    }, SOON_MS);
  }, 90_000);

  it('replaces a pod that somebody deletes', async () => {
    expect(await release.client.execute('killed', {})).toMatchObject({ status: 200 });
    const [pod] = await sessionPods('killed');
    await kubectl('-n', SESSIONS, 'delete', 'pod', pod!.metadata.name, '--grace-period=1');
    const after = await release.client.execute('killed', {});
    expect(after).toMatchObject({ status: 200, headers: { 'x-session-generation': '2' } });
  }, 90_000);

  it('has another leader soon when the leader is killed, and serves meanwhile', async () => {
    expect(await release.client.execute('steady', {})).toMatchObject({ status: 200 });
    const before = await leader();
    await kubectl('-n', NAMESPACE, 'delete', 'pod', before.split('_')[0]!, '--grace-period=0', '--force');
    await eventually(async () => expect(await leader()).not.toBe(before), NEW_LEADER_MS);
    expect(await release.client.execute('steady', {})).toMatchObject({ status: 200, body: { executions: 2 } });
    await eventually(async () => expect(await replicas()).toHaveLength(2), SOON_MS);
    await kubectl('-n', NAMESPACE, 'rollout', 'status', 'deployment/berth', '--timeout=60s');
  }, 150_000);

  it('loses no request in an upgrade under load', async () => {
    const sessions = Array.from({ length: 4 }, (_, at) => `loaded-${at}`);
    for (const id of sessions) expect(await release.client.execute(id, {})).toMatchObject({ status: 200 });
    const before = await replicas();
    const load = new Load({ targets: () => [release.client], sessions, perSecond: 50 }).start();
    await upgrade('--set', `settings.WARM_POOL_SIZE=${POOL}`, ...APACHE);
    const answers = await load.stop();
    expectNoneFailed(answers);
    expect((await replicas()).filter((name) => before.includes(name))).toEqual([]);
    figures['requests during helm upgrade, failed'] = `${answers.length}, 0`;
    figures['the slowest of them'] = `${Math.round(Math.max(...answers.map(({ tookMs }) => tookMs)))} ms`;
  }, 240_000);

  it('answers a first request from a warm pod at once', async () => {
    const warm: number[] = [];
    for (let at = 0; at < WARM; at += 1) {
      // Or what is measured would be how the node starts and ends other pods meanwhile.
      await eventually(expectQuiet, SOON_MS);
      const { ms, start } = await timeFirstRequest(release.client, `warm-${at}`);
      expect(start).toBe('warm');
      warm.push(ms);
    }
    figures['first request, warm pod'] = spreadOf(warm);
  }, 300_000);

  it('makes an unchanged Apache a session', async () => {
    await release.client.put('site', { template: 'apache' });
    const { statusCode, headers, body } = await release.client.open('GET', proxied('site', '/'), { as: 'alice' });
    expect({ statusCode, server: headers.server }).toEqual({
      statusCode: 200,
      server: expect.stringContaining('Apache'),
    });
    expect(await body.text()).toContain('html');
  }, 90_000);

  it('leaves nothing when it is uninstalled', async () => {
    await uninstall();
    await eventually(async () => {
      const left = await kubectl('get', 'namespace', SESSIONS, '--ignore-not-found', '-o', 'name');
      const kinds = 'all,configmap,secret,serviceaccount,role,rolebinding,pvc,pdb,hpa,networkpolicy,lease';
      const mine = await kubectl('-n', NAMESPACE, 'get', kinds, '-o', 'name');
      const ownOfKubernetes = /^(configmap\/kube-root-ca\.crt|serviceaccount\/default|)$/;
      expect({ namespace: left, left: mine.split('\n').filter((name) => !ownOfKubernetes.test(name)) }).toEqual({
        namespace: '',
        left: [],
      });
    }, 120_000);
  }, 240_000);
});

const isReady = ({ status }: Awaited<ReturnType<typeof podsOf>>[number]): boolean | undefined =>
  status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');

/** The pool is full, and of the session before there is nothing left. */
async function expectQuiet(): Promise<void> {
  const pods = await podsOf(SESSIONS, 'app.kubernetes.io/managed-by=berth');
  expect(pods.filter(({ metadata }) => metadata.deletionTimestamp)).toEqual([]);
  const warm = pods.filter(({ metadata }) => metadata.labels['berth.dev/session'] === undefined);
  expect(warm.map(isReady)).toEqual(Array.from({ length: POOL }, () => true));
}

/** As it comes: port 80, its own health path, and volumes where it writes. */
const APACHE = Object.entries({
  image: 'httpd:2.4',
  port: 80,
  healthPath: '/',
  warmPoolSize: 0,
  'volumes[0].name': 'logs',
  'volumes[0].emptyDir.sizeLimit': '16Mi',
  'volumeMounts[0].name': 'logs',
  'volumeMounts[0].mountPath': '/usr/local/apache2/logs',
}).flatMap(([path, value]) => ['--set', `templates.apache.${path}=${value}`]);
