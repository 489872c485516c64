import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

import { KubernetesLeaseLock } from '../../src/leadership/lease/kubernetes-lease-lock.js';
import { LeaseLeadership } from '../../src/leadership/lease/lease-leadership.js';
import { SystemClock } from '../../src/platform/clock.js';
import { KubernetesClient } from '../../src/platform/kubernetes/kubernetes-client.js';
import { SystemRandomness } from '../../src/platform/randomness.js';
import { eventually } from '../support/eventually.js';
import {
  ApiClient,
  ApiProxy,
  describeWithControlPlane,
  ownNamespace,
  type OwnNamespace,
} from '../support/kubernetes/index.js';
import { LeaseProcess, machineMs } from '../support/lease-process.js';
import { RecordingLogger } from '../support/recording-logger.js';

const durations = { leaseMs: 3_000, renewDeadlineMs: 2_000, retryMs: 500 };

interface StoredLease {
  metadata: { resourceVersion: string; labels?: object };
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds: number;
    leaseTransitions: number;
    acquireTime: string;
    renewTime: string;
  };
}

/** When a candidate's task ran. */
interface Stint {
  who: string;
  fromMs: number;
  toMs?: number;
}

describeWithControlPlane('the lead by a Lease of a real API server', () => {
  let namespace: OwnNamespace;
  let admin: ApiClient;
  let path: string;
  let proxies: ApiProxy[];
  let closing: (() => Promise<unknown>)[];
  let stints: Stint[];
  let processes: LeaseProcess[];
  let logger: RecordingLogger;

  beforeEach(async () => {
    namespace = await ownNamespace({ prefix: 'lead' });
    admin = new ApiClient(namespace.adminKubeconfig);
    path = `/apis/coordination.k8s.io/v1/namespaces/${namespace.name}/leases/berth-leader`;
    [proxies, closing, stints, processes, logger] = [[], [], [], [], new RecordingLogger()];
  });
  afterEach(async () => {
    await Promise.all(processes.map((one) => one.kill9()));
    await Promise.all(closing.map((close) => close()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await namespace.remove();
    await admin.close();
  });

  const stand = async (identity: string, proxy?: ApiProxy): Promise<LeaseLeadership> => {
    const kubeconfigPath = namespace.controlPlane.kubeconfig('berth', { server: proxy?.address });
    const client = KubernetesClient.load({ kubeconfigPath, namespace: namespace.name });
    const parts = { clock: new SystemClock(), randomness: new SystemRandomness(), logger };
    const lock = new KubernetesLeaseLock(client, 'berth-leader', durations.renewDeadlineMs / 2, parts);
    const leadership = new LeaseLeadership({ lock, identity, durations, ...parts });
    leadership.add({
      name: 'stint',
      run: async (whileLeading) => {
        const stint: Stint = { who: identity, fromMs: machineMs() };
        stints.push(stint);
        await new Promise((resolve) => whileLeading.addEventListener('abort', resolve));
        stint.toMs = machineMs();
      },
    });
    await leadership.start();
    closing.push(async () => {
      await leadership.stop();
      await client.close();
    });
    return leadership;
  };
  const standElsewhere = async (identity: string): Promise<LeaseProcess> => {
    const one = new LeaseProcess(namespace, identity, durations);
    processes.push(one);
    await eventually(() => expect(one.lastWorkMs).toBeGreaterThan(0), 15_000);
    return one;
  };
  const stored = () => admin.call<StoredLease>(path);
  const leads = (leadership: LeaseLeadership, limitMs: number) =>
    eventually(() => expect(leadership.status().isLeader).toBe(true), limitMs);

  const history = (): StoredLease[] => {
    const leases: StoredLease[] = [];
    const end = new AbortController();
    closing.push(() => Promise.resolve(end.abort()));
    const query = 'watch=true&resourceVersion=0&fieldSelector=metadata.name%3Dberth-leader';
    void (async () => {
      const bytes = await admin.stream(`${path.slice(0, path.lastIndexOf('/'))}?${query}`, end.signal);
      const lines = createInterface(Readable.from(bytes));
      for await (const line of lines) leases.push((JSON.parse(line) as { object: StoredLease }).object);
    })().catch(() => undefined);
    return leases;
  };

  it('goes from one to the next within two seconds at each stop, and no two ever work at once', async () => {
    const written = history();
    const standing = new Map<string, LeaseLeadership>();
    for (const identity of ['a', 'b', 'c', 'd']) standing.set(identity, await stand(identity));
    const took: number[] = [];
    while (standing.size > 0) {
      const atMs = machineMs();
      await eventually(() => expect([...standing.values()].some((one) => one.status().isLeader)).toBe(true));
      took.push(machineMs() - atMs);
      const [identity, leader] = [...standing].find(([, one]) => one.status().isLeader)!;
      expect([...standing.values()].filter((one) => one.status().isLeader)).toHaveLength(1);
      standing.delete(identity);
      await leader.stop();
    }
    expect(took).toHaveLength(4);
    expect(Math.max(...took)).toBeLessThan(2_000);
    for (const [at, { toMs }] of stints.entries()) expect(toMs).toBeLessThanOrEqual(stints[at + 1]?.fromMs ?? Infinity);
    expect(new Set(stints.map(({ who }) => who)).size).toBe(4);
    await eventually(async () => expect(written.at(-1)).toEqual(await stored()));
    const hands = written.map(({ spec }) => spec.holderIdentity ?? '').filter((who, at, all) => who !== all[at - 1]);
    expect(hands).toEqual(stints.flatMap(({ who }) => [who, '']));
    expect(written.at(-1)!.spec.leaseTransitions).toBe(3);
  });

  it('is renewed, while what others wrote beside it and the moment of acquisition stay', async () => {
    const leader = await stand('a');
    await leads(leader, 5_000);
    const before = await stored();
    await admin.call(path, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: { mine: 'yes' } } },
    });
    await eventually(async () => expect((await stored()).spec.renewTime > before.spec.renewTime).toBe(true));
    const after = await stored();
    expect(after.metadata.labels).toEqual({ mine: 'yes' });
    expect({ ...after.spec, renewTime: '' }).toEqual({ ...before.spec, renewTime: '' });
    expect(after.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 3, leaseTransitions: 0 });
    expect([leader.status().isLeader, stints.length]).toEqual([true, 1]);
  });

  it('is not believed by a process that was stopped for longer than its lease: it does nothing before it looks', async () => {
    const sleeper = await standElsewhere('sleeper');
    const rival = await stand('rival');
    sleeper.pause();
    await leads(rival, 8_000);
    const ledSinceMs = machineMs();
    expect(sleeper.lastWorkMs).toBeLessThan(ledSinceMs);
    sleeper.resume();
    await eventually(() => expect(sleeper.deeds.at(-1)?.did).toBe('stop'));
    // By when it was done: what was told before the stop may be heard after it.
    expect(sleeper.deeds.filter(({ did, atMs }) => did === 'work' && atMs > ledSinceMs)).toEqual([]);
    expect(rival.status()).toMatchObject({ isLeader: true, leader: 'rival' });
  });

  it('is taken from a process that was killed, once its lease is over', async () => {
    const victim = await standElsewhere('victim');
    const heir = await stand('heir');
    await eventually(() => expect(heir.status().leader).toBe('victim'));
    await victim.kill9();
    await leads(heir, 8_000);
    expect(stints[0]!.fromMs - victim.lastWorkMs).toBeGreaterThanOrEqual(durations.renewDeadlineMs);
    expect(stints[0]!.fromMs - victim.lastWorkMs).toBeLessThan(durations.leaseMs + 2_000);
  });

  it('is handed over by a process that stops cleanly in less than two seconds', async () => {
    const first = await standElsewhere('first');
    const second = await stand('second');
    await eventually(() => expect(second.status().leader).toBe('first'));
    await first.stop();
    const stoppedAtMs = first.deeds.find(({ did }) => did === 'stop')!.atMs;
    await leads(second, 2_000);
    expect(stints[0]!.fromMs - stoppedAtMs).toBeLessThan(2_000);
    expect(stints[0]!.fromMs).toBeGreaterThanOrEqual(first.lastWorkMs);
  });

  it('is laid down by who cannot reach the API server, before another takes it; and stood for again', async () => {
    const proxy = await ApiProxy.to(namespace.controlPlane);
    proxies.push(proxy);
    const cutOff = await stand('cut-off', proxy);
    await leads(cutOff, 5_000);
    const other = await stand('other');
    proxy.set('stall');
    await leads(other, 8_000);
    expect(stints.map(({ who }) => who)).toEqual(['cut-off', 'other']);
    expect(stints[0]!.toMs).toBeLessThanOrEqual(stints[1]!.fromMs);
    expect(cutOff.status().isLeader).toBe(false);
    proxy.set('pass');
    await eventually(() => expect(cutOff.status().leader).toBe('other'), 15_000);
    await other.stop();
    await leads(cutOff, 5_000);
    expect(logger.of('leader.lost')).toHaveLength(1);
  });

  it('is written again by the leader when somebody deletes the Lease, and taken when the leader is gone too', async () => {
    const victim = await standElsewhere('victim');
    const heir = await stand('heir');
    await eventually(() => expect(heir.status().leader).toBe('victim'));
    await admin.call(path, { method: 'DELETE' });
    await eventually(async () => expect((await stored()).spec.holderIdentity).toBeDefined());
    victim.pause();
    await admin.call(path, { method: 'DELETE' });
    await leads(heir, 2_000);
  });
});
