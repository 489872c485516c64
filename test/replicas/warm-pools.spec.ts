import { executed } from '../support/answers.js';
import type { Answer } from '../support/berth-client.js';
import { eventually } from '../support/eventually.js';
import { Fleet, type LivePod } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { demoTemplate, writeTemplates } from '../support/templates-file.js';

const START_MS = 90_000;
const FILL_MS = 60_000;
const POOL = 10;

describeWithControlPlane('a warm pool', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({
      replicas: 3,
      settings: { WARM_POOL_SIZE: String(POOL) },
      kubelet: { mode: 'processes' },
    });
    await filled(fleet, POOL);
  }, START_MS);
  afterAll(() => fleet.stop());

  it('is filled to its size before anybody asks', () => {
    expect(fleet.podsMade()).toHaveLength(POOL);
  });

  it('gives a first request a pod at once, and is made full again', async () => {
    const ready = namesOf(await warmPods(fleet));
    const first = await fleet.first.execute('quick', 1);
    expect(executed(first)).toMatchObject({ sessionId: 'quick', executions: 1, previous: null });
    expect(first.headers).toMatchObject({ 'x-session-start': 'warm', 'x-session-generation': '1' });
    const { metadata } = await fleet.podOf('quick');
    expect(ready).toContain(metadata.name);
    expect(metadata.labels).toMatchObject({ 'berth.dev/generation': '1', 'berth.dev/template': 'default' });
    const later = await fleet.replicas[1]!.execute('quick', 2);
    expect(executed(later)).toMatchObject({ executions: 2 });
    expect(later.headers['x-session-start']).toBe('none');
    await filled(fleet, POOL);
  }, 60_000);

  it('gives thirty sessions that come at once thirty different pods, and ends up with its size, no pod made too many', async () => {
    const madeBefore = fleet.podsMade().length;
    const ids = Array.from({ length: 3 * POOL }, (_, at) => `crowd-${at}`);
    const answers = await Promise.all(ids.map((id, at) => fleet.replicas[at % 3]!.execute(id, { mine: id })));
    expect(answers.map((answer) => executed(answer).executions)).toEqual(ids.map(() => 1));
    expect(new Set(answers.map((answer) => executed(answer).pid)).size).toBe(ids.length);
    const starts = answers.map(({ headers }) => headers['x-session-start']);
    expect(starts.filter((start) => start === 'warm').length).toBeGreaterThanOrEqual(POOL);
    expect(starts.filter((start) => start !== 'warm' && start !== 'cold')).toEqual([]);

    await filled(fleet, POOL);
    // One for each session, wherever it came from, and nothing but that.
    expect(fleet.podsMade().length - madeBefore).toBe(ids.length);
    expect(fleet.podCalls('delete')).toEqual([]);
    const again = await Promise.all(ids.map((id, at) => fleet.replicas[(at + 1) % 3]!.execute(id, {})));
    expect(again.map((answer) => executed(answer).previous)).toEqual(ids.map((id) => ({ mine: id })));
  }, 120_000);

  it('never gets back a pod that was used', async () => {
    const used = (await fleet.pods()).filter((pod) => !isWarm(pod));
    const ids = used.map(({ metadata }) => metadata.labels['session-id']!);
    const ended = await Promise.all(ids.map((id) => fleet.first.end(id)));
    expect(ended.map(({ status }) => status)).toEqual(ids.map(() => 204));
    await eventually(async () => {
      const left = namesOf(await fleet.pods());
      expect(left.filter((name) => namesOf(used).includes(name))).toEqual([]);
      expect(left).toHaveLength(POOL);
    }, FILL_MS);
    expect(executed(await fleet.first.execute(ids[0]!, 1))).toMatchObject({ executions: 1, previous: null });
  }, 120_000);
});

describeWithControlPlane('a warm pod', () => {
  const SIZE = 2;
  let fleet: Fleet;
  const settings = (greeting: string) => ({
    TEMPLATES_PATH: writeTemplates({ demo: { ...demoTemplate, warmPoolSize: SIZE, env: { WELCOME: greeting } } }),
  });
  beforeAll(async () => {
    fleet = await Fleet.start({ replicas: 0 });
    const first = settings('hello');
    while (fleet.replicas.length < 2) await fleet.add(first);
    await filled(fleet, SIZE);
  }, START_MS);
  afterAll(() => fleet.stop());

  const environment = async (id: string): Promise<Answer> =>
    fleet.first.call('GET', `/api/v1/session/${id}/proxy/env`, { as: 'alice' });

  it('is kept for its template alone', async () => {
    expect((await fleet.first.execute('other', 1)).headers['x-session-start']).toBe('cold');
    const warm = namesOf(await warmPods(fleet));
    await fleet.first.put('fitting', { template: 'demo' });
    expect(await environment('fitting')).toMatchObject({ status: 200, body: { WELCOME: 'hello' } });
    expect(warm).toContain((await fleet.podOf('fitting')).metadata.name);
    await filled(fleet, SIZE);
  }, 60_000);

  it('is left alone by a session that brings an environment', async () => {
    const warm = namesOf(await warmPods(fleet));
    await fleet.first.put('special', { template: 'demo', env: { GREETING: 'hi' } });
    expect(await environment('special')).toMatchObject({ status: 200, body: { GREETING: 'hi' } });
    expect(warm).not.toContain((await fleet.podOf('special')).metadata.name);
    expect(namesOf(await warmPods(fleet))).toEqual(warm);
  }, 60_000);

  it.each([
    ['was evicted', 'evicted', (name: string) => fleet.kubelet.evict(name)],
    ['is to be evicted', 'disrupted', (name: string) => fleet.kubelet.disrupt(name)],
    ['was deleted by somebody', 'deleted', (name: string) => change(fleet, name, 'DELETE')],
    ['was condemned', 'condemned', (name: string) => change(fleet, name, 'PATCH', condemnation)],
  ])(
    'that %s serves nobody and is replaced',
    async (_what, id, spoil) => {
      const spoilt = namesOf(await warmPods(fleet));
      for (const name of spoilt) await spoil(name);
      await fleet.first.put(id, { template: 'demo' });
      expect((await environment(id)).status).toBe(200);
      expect(spoilt).not.toContain((await fleet.podOf(id)).metadata.name);
      await filled(fleet, SIZE);
      expect(namesOf(await warmPods(fleet)).filter((name) => spoilt.includes(name))).toEqual([]);
    },
    90_000,
  );

  it('of a template that changes is replaced, and sessions that run are left alone', async () => {
    const before = (await environment('fitting')).body;
    const outdated = namesOf(await warmPods(fleet));
    for (const replica of [...fleet.replicas]) {
      fleet.forget(replica);
      expect(await replica.stop()).toMatchObject({ code: 0 });
      await fleet.add(settings('good morning'));
    }
    await eventually(async () => {
      const now = namesOf(await warmPods(fleet));
      expect(now).toHaveLength(SIZE);
      expect(now.filter((name) => outdated.includes(name))).toEqual([]);
    }, FILL_MS);
    await filled(fleet, SIZE);
    const warm = namesOf(await warmPods(fleet));
    await fleet.first.put('modern', { template: 'demo' });
    expect(await environment('modern')).toMatchObject({ status: 200, body: { WELCOME: 'good morning' } });
    expect(warm).toContain((await fleet.podOf('modern')).metadata.name);
    const after = await environment('fitting');
    expect(after).toMatchObject({ headers: { 'x-session-generation': '1' }, body: { WELCOME: 'hello' } });
    expect(after.body.HOSTNAME).toBe(before.HOSTNAME);
  }, 120_000);
});

const condemnation = { metadata: { annotations: { 'berth.dev/condemned': new Date(0).toISOString() } } };

function change({ api, own }: Fleet, name: string, method: 'DELETE' | 'PATCH', body?: object): Promise<object> {
  const contentType = 'application/merge-patch+json';
  return api.call(`/api/v1/namespaces/${own.name}/pods/${name}`, { method, body, contentType });
}

function isWarm({ metadata }: LivePod): boolean {
  return metadata.labels['berth.dev/session'] === undefined;
}

async function warmPods(fleet: Fleet): Promise<LivePod[]> {
  const warm = (await fleet.pods()).filter((pod) => isWarm(pod) && pod.metadata.deletionTimestamp === undefined);
  return warm.filter(({ metadata }) => metadata.annotations['berth.dev/condemned'] === undefined);
}

function namesOf(pods: readonly LivePod[]): string[] {
  return pods.map(({ metadata }) => metadata.name).sort();
}

/** So many, all ready, and seen to be by every replica. */
async function filled(fleet: Fleet, size: number): Promise<void> {
  await eventually(async () => {
    expect(await warmPods(fleet)).toHaveLength(size);
    const metrics = await Promise.all(fleet.replicas.map((replica) => replica.metrics()));
    for (const text of metrics) expect(readyWarm(text)).toBe(size);
  }, FILL_MS);
}

function readyWarm(metrics: string): number {
  return Number(/^session_warm_pool_size (\d+)$/m.exec(metrics)?.[1]);
}
