import { setTimeout as pause } from 'node:timers/promises';

import { executed } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { openSocket } from '../support/open-uses.js';
import { PodWitness } from '../support/pod-witness.js';
import { expectUnbroken, SteadyUse } from '../support/steady-use.js';
import { writeTemplates } from '../support/templates-file.js';

const IMPORTED_MS = 30_000;

/** What a client may rely on, whatever becomes of the store. */
async function lastingFacts(berth: BerthProcess, id: string, as = 'alice'): Promise<object> {
  const { status, body } = await berth.status(id, { as });
  expect({ id, status }).toEqual({ id, status: 200 });
  const { state, generation, owner, template, createdAt, pod } = body;
  return { state, generation, owner, template, createdAt, pod };
}

describeWithControlPlane('a store that loses its memory', () => {
  let fleet: Fleet;
  let pods: PodWitness;
  const settings = { CLEANUP_INTERVAL_SECONDS: '1', TEMPLATES_PATH: writeTemplates() };

  beforeAll(async () => {
    fleet = await Fleet.start({ replicas: 2, settings });
    pods = await PodWitness.of(fleet);
    await fleet.untilLed();
    for (const id of ['used-1', 'used-2', 'quiet', 'twice']) await fleet.first.execute(id, 0);
    await fleet.first.execute('bobs', 0, { as: 'bob' });
    await makeSecondGeneration('twice');
    await fleet.first.execute('over', 0);
    await fleet.first.end('over');
    await eventually(() => expect(pods.podsOf('over').every((name) => pods.isGone(name))).toBe(true), IMPORTED_MS);
  }, 120_000);
  afterAll(async () => {
    await pods?.stop();
    await fleet?.stop();
  });

  async function makeSecondGeneration(id: string): Promise<void> {
    const { name } = (await fleet.podOf(id)).metadata;
    fleet.kubelet.evict(name).catch(() => undefined);
    await eventually(async () => {
      expect((await fleet.first.status(id)).body).toMatchObject({ state: 'ready', generation: 2 });
      expect(pods.isGone(name)).toBe(true);
    }, IMPORTED_MS);
  }

  const known = (): Promise<object[]> => {
    const ofAlice = ['used-1', 'used-2', 'quiet', 'twice'].map((id) => lastingFacts(fleet.first, id));
    return Promise.all([...ofAlice, lastingFacts(fleet.first, 'bobs', 'bob')]);
  };

  async function untilKnown(before: object): Promise<void> {
    await eventually(async () => expect(await known()).toEqual(before), IMPORTED_MS);
  }

  /** Somebody else asks all the while: he never gets anything but that there is nothing for him, or nothing now. */
  async function prying(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const [{ status: used }, { status: quiet }] = await Promise.all([
        fleet.first.execute('used-1', 0, { as: 'mallory' }),
        fleet.replicas[1]!.execute('quiet', 0, { as: 'mallory' }),
      ]);
      expect([404, 503]).toContain(used);
      expect([404, 503]).toContain(quiet);
      await pause(50);
    }
  }

  async function whileInUse(lose: () => Promise<void>): Promise<void> {
    const before = await known();
    const imports = importsSeen();
    const beganAtMs = Date.now();
    const uses = fleet.replicas.map((replica, at) => new SteadyUse(replica, `used-${at + 1}`));
    const across = new SteadyUse(fleet.replicas[1]!, 'quiet');
    const socket = await openSocket(fleet.replicas[1]!, 'socket');
    let isOver = false;
    const pried = prying(() => isOver);
    pried.catch(() => undefined);
    await lose();
    await eventually(() => expect(importsSeen()).toBeGreaterThan(imports), IMPORTED_MS);
    await untilKnown(before);
    expect(await fleet.first.execute(`new-${beganAtMs}`, 1)).toMatchObject({ status: 200, body: { executions: 1 } });
    isOver = true;
    await pried;
    await socket.works();
    for (const use of [...uses, across]) expectUnbroken(await use.stop());
    await untilKnown(before);
    socket.close();
    expect(pods.deleted(beganAtMs)).toEqual([]);
  }

  const importsSeen = (): number =>
    fleet.replicas.flatMap((replica) => replica.logLines()).filter(({ event }) => event === 'store.imported').length;

  it('costs no request to a known session when it is flushed, and every session stays what it was', async () => {
    await whileInUse(async () => {
      await fleet.redis.admin.flushall();
    });
  }, 90_000);

  it('costs no request when it is flushed again in the middle of the import', async () => {
    await whileInUse(async () => {
      for (let at = 0; at < 5; at += 1) {
        await fleet.redis.admin.flushall();
        await pause(300);
      }
    });
  }, 90_000);

  it('costs no request when its server is started again on its data', async () => {
    await whileInUse(async () => {
      await fleet.redis.stop('SIGTERM');
      await fleet.redis.startAgain();
    });
  }, 90_000);

  it('keeps the id of an ended session for its owner when the server still has it', async () => {
    await fleet.first.execute('ended', 0);
    await fleet.first.end('ended');
    await fleet.redis.stop('SIGTERM');
    await fleet.redis.startAgain();
    await eventually(async () => {
      expect(await fleet.first.execute('ended', 0, { as: 'mallory' })).toMatchObject({ status: 404 });
    }, IMPORTED_MS);
    const again = await fleet.first.execute('ended', 0);
    expect(again).toMatchObject({ status: 200, headers: { 'x-session-generation': '2' } });
  }, 90_000);

  describe('while there is no replica', () => {
    it('learns all from the pods, when there is another server in its place', async () => {
      await fleet.first.put('custom', { template: 'demo', idleTimeoutSeconds: 777 });
      await eventually(async () => expect((await fleet.first.status('custom')).body.state).toBe('ready'), IMPORTED_MS);
      const custom = await lastingFacts(fleet.first, 'custom');
      const before = await known();
      const { executions } = executed(await fleet.first.execute('quiet', 1));
      await fleet.killAll();
      await fleet.redis.startEmpty();
      await Promise.all([fleet.add(), fleet.add()]);

      expect(await known()).toEqual(before);
      expect(await lastingFacts(fleet.first, 'custom')).toEqual(custom);
      const { dueAt, lastActivityAt } = (await fleet.first.status('custom')).body;
      expect(Date.parse(String(dueAt)) - Date.parse(String(lastActivityAt))).toBe(777_000);
      expect(await fleet.first.execute('quiet', 1, { as: 'mallory' })).toMatchObject({ status: 404 });
      expect(await fleet.first.execute('bobs', 1)).toMatchObject({ status: 404 });
      expect(executed(await fleet.first.execute('quiet', 1)).executions).toBe(executions + 1);
    }, 120_000);

    it('keeps all that it has and learns the rest from the pods, when its server is started again', async () => {
      const before = await known();
      await fleet.killAll();
      await fleet.redis.stop('SIGTERM');
      await fleet.redis.startAgain();
      await Promise.all([fleet.add(), fleet.add()]);
      expect(await known()).toEqual(before);
      expect(await fleet.first.execute('ended', 0, { as: 'mallory' })).toMatchObject({ status: 404 });
    }, 120_000);

    it.each([
      ['its server goes on', () => Promise.resolve()],
      [
        'its server is started again',
        async (one: Fleet) => {
          await one.redis.stop('SIGTERM');
          await one.redis.startAgain();
        },
      ],
    ])(
      'goes on to the next generation of a session whose pod was deleted meanwhile, when %s',
      async (_, restart) => {
        const id = `bereft-of-${fleet.redis.port}-${restart.length}`;
        await fleet.first.execute(id, 'a');
        const { name } = (await fleet.podOf(id)).metadata;
        await fleet.killAll();
        await fleet.api.call(`/api/v1/namespaces/${fleet.own.name}/pods/${name}`, { method: 'DELETE' });
        await eventually(() => expect(pods.isGone(name)).toBe(true), IMPORTED_MS);
        await restart(fleet);
        await Promise.all([fleet.add(), fleet.add()]);

        const answer = await fleet.first.execute(id, 'b');
        expect(answer).toMatchObject({
          status: 200,
          headers: { 'x-session-generation': '2' },
          body: { executions: 1 },
        });
        expect((await fleet.first.status(id)).body).toMatchObject({ state: 'ready', generation: 2, owner: 'alice' });
        expect(await fleet.first.execute(id, 'c', { as: 'mallory' })).toMatchObject({ status: 404 });
      },
      120_000,
    );
  });
});
