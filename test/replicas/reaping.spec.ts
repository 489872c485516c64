import { setTimeout as pause } from 'node:timers/promises';

import type { Answer } from '../support/berth-client.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { openSocket, openStream, openUpload } from '../support/open-uses.js';
import { PodWitness } from '../support/pod-witness.js';
import { writeTemplates } from '../support/templates-file.js';

const IDLE_MS = 4_000;
/** Three heartbeats and two seconds of calm, the idle timeout, and the end of the pods on a busy machine. */
const REAPED_MS = 40_000;

describeWithControlPlane('two replicas with sessions that are used, and sessions that are not', () => {
  let fleet: Fleet;
  let pods: PodWitness;
  let one: BerthProcess;
  let other: BerthProcess;

  beforeAll(async () => {
    const settings = {
      IDLE_TIMEOUT_SECONDS: String(IDLE_MS / 1_000),
      CLEANUP_INTERVAL_SECONDS: '1',
      TEMPLATES_PATH: writeTemplates(),
    };
    fleet = await Fleet.start({ replicas: 2, settings });
    pods = await PodWitness.of(fleet);
    [one, other] = fleet.replicas as [BerthProcess, BerthProcess];
    await fleet.untilLed();
  }, 90_000);
  afterAll(async () => {
    await pods?.stop();
    await fleet?.stop();
  });

  async function untilReaped(ids: readonly string[], by: BerthProcess = one): Promise<void> {
    await eventually(async () => {
      const answers = await Promise.all(ids.map((id) => by.status(id)));
      expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 404));
      expect(ids.flatMap((id) => pods.podsOf(id)).filter((name) => !pods.isGone(name))).toEqual([]);
    }, REAPED_MS);
  }

  /** The audit log is written a moment after the answer. */
  async function expectEachDeletedOnce(ids: readonly string[]): Promise<void> {
    await eventually(() => {
      const deleted = pods.deleted();
      const names = ids.flatMap((id) => pods.podsOf(id));
      expect(names.map((name) => deleted.filter((each) => each === name).length)).toEqual(names.map(() => 1));
    });
    expect(new Set(pods.deleted()).size).toBe(pods.deleted().length);
  }

  it('end each that is not used by one deletion, and none that is used', async () => {
    const open = await Promise.all([
      openStream(one, 'stream'),
      openStream(other, 'stream'),
      openSocket(other, 'socket'),
      openUpload(one, 'upload'),
    ]);
    const idle = ['idle-1', 'idle-2', 'idle-3', 'idle-4', 'asked-about'];
    for (const id of [...idle, 'requested', 'kept-alive']) await one.execute(id, 0);
    const used = use(async (at) => {
      const replica = at % 2 === 0 ? one : other;
      expect(await replica.execute('requested', at)).toMatchObject({ status: 200 });
      const path = '/api/v1/session/kept-alive/keepalive';
      expect(await replica.call('POST', path, { as: 'alice' })).toMatchObject({ status: 200 });
      await replica.status('asked-about');
    });

    await untilReaped(idle);
    await expectEachDeletedOnce(idle);
    await pause(IDLE_MS); // whatever has been open is so for longer than the idle timeout in any case
    await used.stop();
    for (const { works } of open) await works();
    for (const id of ['stream', 'socket', 'upload', 'requested', 'kept-alive']) {
      expect({ id, pods: pods.podsOf(id).length, condemned: pods.condemnedOf(id) }).toEqual({
        id,
        pods: 1,
        condemned: [],
      });
    }

    open.forEach((each) => each.close());
    await untilReaped(['stream', 'socket', 'upload', 'requested', 'kept-alive']);
    await expectEachDeletedOnce(['stream', 'socket', 'upload', 'requested', 'kept-alive']);
    expect(pods.deleted().every((name) => pods.wasMarkedFirst(name))).toBe(true);
  }, 120_000);

  it('serve whoever comes around the moment of the end, if need be from a new pod', async () => {
    const answers = await racesWithTheReaper();
    expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([]);
    const anew = answers.filter(({ body }) => body.executions === 1);
    expect(anew.length).toBeGreaterThan(0); // or nothing raced
    expect(anew.length).toBeLessThan(answers.length);
    const ids = SPREAD_MS.map((_, client) => `race-${client}`);
    await untilReaped(ids);
    await expectEachDeletedOnce(ids);
  }, 120_000);

  it('end one whose pod is slow to go like the others, and open it anew meanwhile', async () => {
    const ids = ['held-up', 'next-1', 'next-2'];
    for (const id of ids) await one.execute(id, 0);
    const { name } = (await fleet.podOf('held-up')).metadata;
    await holdUp(name, ['berth.test/hold']);
    await eventually(async () => {
      const answers = await Promise.all(ids.map((id) => other.status(id)));
      expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 404));
    }, REAPED_MS);
    await untilReaped(['next-1', 'next-2']);
    expect(await other.execute('held-up', 1)).toMatchObject({ status: 200, body: { executions: 1 } });
    expect((await other.status('held-up')).body).toMatchObject({ state: 'ready', generation: 2 });
    expect(pods.isGone(name)).toBe(false);
    await holdUp(name, null);
    await untilReaped(ids);
    await expectEachDeletedOnce(ids);
  }, 120_000);

  it('end a session whose stream was held by a replica that was killed', async () => {
    const third = await fleet.add();
    await openStream(third, 'orphaned');
    await pause(IDLE_MS); // the replica's heartbeat, and nothing else, has kept it until now
    expect((await one.status('orphaned')).body).toMatchObject({ state: 'ready', generation: 1 });
    expect(pods.condemnedOf('orphaned')).toEqual([]);
    await third.kill9();
    fleet.forget(third);
    await untilReaped(['orphaned']);
    await expectEachDeletedOnce(['orphaned']);
  }, 120_000);

  async function holdUp(name: string, finalizers: string[] | null): Promise<void> {
    const path = `/api/v1/namespaces/${fleet.own.name}/pods/${name}`;
    const contentType = 'application/merge-patch+json';
    await fleet.api.call(path, { method: 'PATCH', body: { metadata: { finalizers } }, contentType });
  }

  /** Each client comes to its session about when its idle timeout is over, through one replica and the other in turn. */
  async function racesWithTheReaper(): Promise<Answer[]> {
    const clients = SPREAD_MS.map(async (offsetMs, client) => {
      await one.execute(`race-${client}`, 0);
      const answers: Answer[] = [];
      for (let at = 1; at <= ROUNDS; at += 1) {
        await pause(IDLE_MS + offsetMs + at);
        answers.push(await (at % 2 === 0 ? one : other).execute(`race-${client}`, at));
      }
      return answers;
    });
    return (await Promise.all(clients)).flat();
  }
});

/** How far from the end of the idle timeout each client comes; the reaper is somewhere in this. */
const SPREAD_MS = [-100, -20, 0, 15, 40, 80, 150, 300, 600, 1_200];
const ROUNDS = 3;

/** Again and again, a few times in each heartbeat, until it is stopped; tells then what went wrong. */
function use(once: (at: number) => Promise<void>): { stop(): Promise<void> } {
  let isOver = false;
  const using = (async () => {
    for (let at = 0; !isOver; at += 1) {
      await once(at);
      await pause(IDLE_MS / 20);
    }
  })();
  using.catch(() => undefined);
  return {
    stop: () => {
      isOver = true;
      return using;
    },
  };
}
