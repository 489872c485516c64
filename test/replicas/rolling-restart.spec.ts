import { expectProblem } from '../support/answers.js';
import { Balancer } from '../support/balancer.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { LATER, LATER_VERSION } from '../support/later-version.js';
import type { Environment } from '../support/launched.js';
import { LeaseWitness } from '../support/lease-witness.js';
import { expectNoneFailed, expectOnePodEach, Load, type LoadAnswer } from '../support/load.js';
import { PodWitness } from '../support/pod-witness.js';
import { cutShort, type OneStream, StreamTraffic } from '../support/stream-traffic.js';
import { writeTemplates } from '../support/templates-file.js';
import { expectWelcome, type Visit, Visitors } from '../support/visitors.js';

const PER_SECOND = 200;
/** A machine that is busy with other suites gets less of it, but no less than a quarter. */
const MOST_OPEN = 100;
const FEWEST = (60 * PER_SECOND) / 4;
const LOADED_MS = 60_000;
/** Longer than it takes until no new connection comes, and than clients keep one that is idle; also on a busy machine. */
const DELAY_MS = 4_000;
const DRAIN_MS = 3_000;
/** The part of a drain in which WebSockets are closed. */
const GOODBYE_MS = DRAIN_MS * 0.2;
/** Streams that ask for no more than this are never in the way of a drain. */
const SHORT_MS = 1_800;
/** A busy test sees an end a little late. */
const SLACK_MS = 3_000;
const HAND_OVER_MS = 2_000;
/** A new leader stays calm for three heartbeats and two seconds. */
const REAPED_MS = 30_000;

const ids = (name: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${name}-${at}`);
const USED = ids('used', 12);
const STREAMED = ids('streamed', 4);
/** Opened while all replicas are of the later version. */
const OF_LATER = ids('of-later', 3);
const OF_LATER_SCHEMA = ids('of-later-schema', 3);
const EXECUTED = [...USED, ...OF_LATER, ...OF_LATER_SCHEMA];
const STANDING = [...EXECUTED, ...STREAMED];

interface Stop {
  askedAtMs: number;
  goneAtMs: number;
}

/** Three replicas of this version are replaced by three of a later one, and those by three of this one again. */
describeWithControlPlane('three replicas that are replaced one after another under load', () => {
  let fleet: Fleet;
  let balancer: Balancer;
  let lease: LeaseWitness;
  let pods: PodWitness;
  const stops: Stop[] = [];
  let answers: LoadAnswer[];
  let short: OneStream[];
  let long: OneStream[];
  let visits: Visit[];

  beforeAll(async () => {
    const settings = {
      CLEANUP_INTERVAL_SECONDS: '1',
      SHUTDOWN_DELAY_SECONDS: String(DELAY_MS / 1_000),
      SHUTDOWN_DRAIN_SECONDS: String(DRAIN_MS / 1_000),
      TEMPLATES_PATH: writeTemplates({ [LATER.template]: {} }),
    };
    fleet = await Fleet.start({ replicas: 3, settings });
    [balancer, lease, pods] = [await Balancer.start(), await LeaseWitness.of(fleet), await PodWitness.of(fleet)];
    await Promise.all(fleet.replicas.map((replica) => balancer.add(replica)));
    for (const id of STREAMED) await balancer.client.put(id, { template: 'demo' });
    const first = await Promise.all(USED.map((id) => balancer.client.execute(id, 0)));
    expect(first.map(({ status }) => status)).toEqual(USED.map(() => 200));
    await restartUnderLoad();
  }, 240_000);
  afterAll(async () => {
    await Promise.all([lease?.stop(), pods?.stop()]);
    await balancer?.stop();
    await fleet?.stop();
  });

  async function restartUnderLoad(): Promise<void> {
    const { client } = balancer;
    const subject = 'alice';
    const targets = (): [typeof client] => [client];
    const untilMs = performance.now() + LOADED_MS;
    const asking = { targets, subject, mostOpen: MOST_OPEN };
    const load = new Load({ ...asking, sessions: USED, perSecond: PER_SECOND }).start();
    const visitors = new Visitors(client, 'visitor', 2_000).start();
    const lifeMs = (): number => SHORT_MS * (0.3 + 0.7 * Math.random());
    const comeAndGo = new StreamTraffic({ client, ids: STREAMED, everyMs: 400, lifeMs }).start();
    const stay = STREAMED.map((_, at) =>
      new StreamTraffic({ client, ids: STREAMED.slice(at), everyMs: 'one at a time', lifeMs: () => LOADED_MS }).start(),
    );
    for (const one of fleet.replicas.slice()) await replace(one, LATER_VERSION);
    await openByLater();
    const later = [...OF_LATER, ...OF_LATER_SCHEMA];
    const loadOfLater = new Load({ ...asking, sessions: later, perSecond: 20 }).start();
    for (const one of fleet.replicas.slice()) await replace(one);
    await eventually(() => expect(performance.now()).toBeGreaterThan(untilMs), LOADED_MS);
    answers = [...(await load.stop()), ...(await loadOfLater.stop())];
    [visits, short] = await Promise.all([visitors.stop(), comeAndGo.stop()]);
    long = (await Promise.all(stay.map((traffic) => traffic.stop()))).flat();
  }

  async function replace(replica: BerthProcess, settings?: Environment): Promise<void> {
    const askedAtMs = Date.now();
    fleet.forget(replica);
    expect(await replica.stop()).toMatchObject({ code: 0 });
    stops.push({ askedAtMs, goneAtMs: Date.now() });
    balancer.remove(replica);
    await balancer.add(await fleet.add(settings));
  }

  async function openByLater(): Promise<void> {
    await fleet.redis.admin.hset(`session:${USED[0]}`, { schema: LATER.schema });
    for (const id of OF_LATER_SCHEMA) await balancer.client.put(id, { template: LATER.template });
    const opened = await Promise.all([...OF_LATER, ...OF_LATER_SCHEMA].map((id) => balancer.client.execute(id, 0)));
    expect(opened.map(({ status }) => status)).toEqual(opened.map(() => 200));
  }

  it('fail no request', () => {
    expectNoneFailed(answers);
    expect(answers.length).toBeGreaterThan(FEWEST);
  });

  it('refuse no connection either', () => {
    expect(balancer.refused).toBe(0);
  });

  it('keep every session on its one pod: no counter of executions is set back, left out or counted twice', () => {
    expectOnePodEach(answers);
    for (const id of EXECUTED) {
      const own = answers.filter((answer) => answer.id === id);
      const counts = own.map(({ executions }) => executions!).sort((one, other) => one - other);
      expect(counts).toEqual(counts.map((_, at) => at + 2)); // the first came before the load
    }
  });

  it('open, use and end sessions all the while', () => {
    expectWelcome(visits);
  });

  it('cut no stream and no WebSocket that ends before the drain does', () => {
    expect(short.length).toBeGreaterThan(100);
    expect(cutShort(short)).toEqual([]);
  });

  it('cut those that go on at the end of the drain and not before, WebSockets with 1012', () => {
    const cut = cutShort(long);
    for (const { kind, endedAtMs, outcome } of cut) {
      expect(outcome).toMatch(kind === 'socket' ? /^closed with 1012 service restart$/ : /^broken off: /);
      const openForMs = DELAY_MS + DRAIN_MS - (kind === 'socket' ? GOODBYE_MS : 0);
      const sinceMs = stops.map(({ askedAtMs }) => endedAtMs - askedAtMs);
      expect(sinceMs.filter((ms) => ms >= openForMs && ms < DELAY_MS + DRAIN_MS + SLACK_MS)).toHaveLength(1);
    }
    expect(new Set(cut.map(({ kind }) => kind))).toEqual(new Set(['events', 'socket']));
  });

  it('make each pod once, and end none but those of sessions that were ended', async () => {
    for (const id of STANDING) await fleet.expectMadeOnce(id);
    expect(STANDING.flatMap((id) => pods.condemnedOf(id))).toEqual([]);
    const names = fleet.podsMade().map(({ objectRef }) => objectRef!.name!);
    expect(names).toHaveLength(STANDING.length + visits.length);
    expect(new Set(names).size).toBe(names.length);
  });

  it('hand the lead over within two seconds of its being given up', () => {
    const leads = lease.leads();
    expect(leads.length).toBeGreaterThan(1);
    for (const [at, lead] of leads.slice(1).entries()) {
      const { releasedAtMs } = leads[at]!;
      expect(releasedAtMs).toBeDefined();
      expect(lead.fromMs - releasedAtMs!).toBeLessThan(HAND_OVER_MS);
    }
  });

  it('keep what only the later version writes, in records and on pods', async () => {
    for (const id of EXECUTED) {
      const { [LATER.recordField]: field, podName } = await fleet.redis.admin.hgetall(`session:${id}`);
      expect({ id, field }).toEqual({ id, field: `of ${id}` });
      expect(podName).toBe((await fleet.podOf(id)).metadata.name);
    }
    for (const id of [...OF_LATER, ...OF_LATER_SCHEMA]) {
      const { labels, annotations } = (await fleet.podOf(id)).metadata;
      expect([labels[LATER.label], annotations[LATER.annotation]]).toEqual(['yes', 'yes, indeed']);
    }
  });

  it('serve a record of a later schema, and leave it one', async () => {
    const { schema, version } = await fleet.redis.admin.hgetall(`session:${USED[0]}`);
    expect(schema).toBe(LATER.schema);
    expect(await balancer.client.put(USED[0]!, { idleTimeoutSeconds: 500 })).toMatchObject({ status: 200 });
    const changed = await fleet.redis.admin.hgetall(`session:${USED[0]}`);
    expect(changed).toMatchObject({ schema: LATER.schema, idleTimeoutMs: '500000' });
    expect(Number(changed.version)).toBeGreaterThan(Number(version));
  });

  it('look after sessions of the later version: new time-outs, another pod for one that died, an end', async () => {
    for (const id of [OF_LATER[0]!, OF_LATER_SCHEMA[0]!]) {
      const { client } = balancer;
      expect(await client.put(id, { idleTimeoutSeconds: 500 })).toMatchObject({ status: 200 });
      const { name, labels } = (await fleet.podOf(id)).metadata;
      expect(labels[LATER.label]).toBe('yes');
      await fleet.kubelet.evict(name);
      await eventually(async () =>
        expect(await client.execute(id, 0)).toMatchObject({ status: 200, body: { executions: 1 } }),
      );
      const record = await fleet.redis.admin.hgetall(`session:${id}`);
      expect(record).toMatchObject({ generation: '2', idleTimeoutMs: '500000', [LATER.recordField]: `of ${id}` });
      expect(await client.end(id)).toMatchObject({ status: 204 });
    }
    expect(await balancer.client.end(OF_LATER_SCHEMA[1]!)).toMatchObject({ status: 204 });
    await eventually(() => expect(pods.podsOf(OF_LATER_SCHEMA[1]!).map((name) => pods.isGone(name))).toEqual([true]));
  }, 60_000);

  /** As every version writes: with a version of the record that is the time in microseconds. */
  async function writeAsLater(id: string, fields: Record<string, string | number>): Promise<void> {
    await fleet.redis.admin.hset(`session:${id}`, { ...fields, version: Date.now() * 1_000 });
  }

  it('leave a session alone that is in a state which they do not know', async () => {
    const [sleeper, passer] = ['sleeper', 'passer'];
    for (const id of [sleeper, passer]) await fleet.first.put(id, { idleTimeoutSeconds: 2 });
    await Promise.all([sleeper, passer].map((id) => fleet.first.execute(id, 0)));
    await writeAsLater(sleeper, { state: 'hibernating' });
    // Both are due now, and the leader has been there.
    await eventually(async () => expect(await fleet.first.status(passer)).toMatchObject({ status: 404 }), REAPED_MS);

    for (const replica of fleet.replicas) {
      expectProblem(await replica.execute(sleeper, 1), 503, 'DEPENDENCY_UNAVAILABLE');
    }
    expect(pods.condemnedOf(sleeper)).toEqual([]);
    await writeAsLater(sleeper, { state: 'ready', lastUsedAtMs: Date.now() });
    expect(await fleet.first.execute(sleeper, 1)).toMatchObject({ status: 200, body: { executions: 2 } });
  }, 60_000);
});
