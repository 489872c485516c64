import { setTimeout as pause } from 'node:timers/promises';

import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { FleetInUse } from '../support/fleet-in-use.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { expectNoneFailed, expectOnePodEach } from '../support/load.js';

/** Longer than the lease, than the short-lived may be idle, and than a call may take. */
const PAUSED_MS = 20_000;
const MOVED_MS = 30_000;
/** What was on its way to a replica when it was killed. */
const IN_FLIGHT_MS = 2_000;

describeWithControlPlane('one of three replicas under load', () => {
  let all: FleetInUse;
  let round = 0;
  beforeAll(async () => void (all = await FleetInUse.start()), 120_000);
  beforeEach(() => void (round += 1));
  afterAll(() => all?.stop());

  /** Known to this replica, and then, without its knowing, ended and opened again. */
  async function moved(count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, at) => `moved-${round}-${at}`);
    await Promise.all(ids.map((id) => all.fleet.first.execute(id, 0)));
    return ids;
  }

  async function openAgain(id: string, by: BerthProcess): Promise<void> {
    await by.end(id);
    await eventually(async () => {
      const answer = await by.execute(id, 0);
      expect(answer).toMatchObject({ status: 200, headers: { 'x-session-generation': '2' } });
    }, MOVED_MS);
  }

  it.each([
    ['follows', (leader: BerthProcess) => all.fleet.others(leader)[0]!],
    ['leads', (leader: BerthProcess) => leader],
  ])(
    'that %s is paused for 20 s, wakes up, and answers all who wait for it from where their sessions are by then',
    async (_, which) => {
      const paused = which(await all.fleet.untilLed(MOVED_MS));
      const others = all.fleet.others(paused);
      const before = await all.known();
      const ids = await moved(4);
      const short = await all.shortLived(3);
      for (const id of [...ids, ...short]) expect(await paused.execute(id, 0)).toMatchObject({ status: 200 });
      const answers = await all.underLoad(async () => {
        all.targets = () => others;
        process.kill(paused.pid, 'SIGSTOP');
        try {
          const wokenAtMs = performance.now() + PAUSED_MS;
          await Promise.all(ids.map((id, at) => openAgain(id, others[at % 2]!)));
          const asked = [...ids, ...all.used, ...all.atRest];
          const waiting = Promise.all(asked.map((id) => paused.execute(id, 0)));
          await pause(Math.max(0, wokenAtMs - performance.now()));
          const names = short.flatMap((id) => all.pods.podsOf(id));
          await eventually(() => expect(names.every((name) => all.pods.isGone(name))).toBe(true), MOVED_MS);
          const opening = Promise.all(short.map((id) => paused.execute(id, 0)));
          process.kill(paused.pid, 'SIGCONT');
          const generations = (await waiting).map(
            ({ status, headers }) => `${status} ${String(headers['x-session-generation'])}`,
          );
          const isSecond = (id: string): boolean => ids.includes(id) || id === 'second-generation';
          expect(generations).toEqual(asked.map((id) => `200 ${isSecond(id) ? 2 : 1}`));
          for (const answer of await opening) expect(answer).toMatchObject({ status: 200, body: { executions: 1 } });
        } finally {
          process.kill(paused.pid, 'SIGCONT');
          all.targets = () => all.replicas;
        }
        await all.untilWhole(before);
      });
      expectNoneFailed(answers);
      expectOnePodEach(answers);
      all.expectNoPodHarmed();
    },
    120_000,
  );

  it('that is killed takes nothing with it but what was under way on it', async () => {
    const killed = await all.fleet.untilLed(MOVED_MS);
    const before = await all.known();
    let killedAtMs = 0;
    const answers = await all.underLoad(async () => {
      await all.shortLived(2);
      killedAtMs = Date.now();
      await killed.kill9();
      all.fleet.forget(killed);
      await all.fleet.untilLed(MOVED_MS);
      await all.untilWhole(before);
    });
    const failed = answers.filter(({ status }) => status !== 200);
    expect(failed.filter(({ asked, status }) => asked !== killed.url || status !== 0)).toEqual([]);
    expect(failed.filter(({ sentAtMs }) => Math.abs(sentAtMs - killedAtMs) > IN_FLIGHT_MS)).toEqual([]);
    expectOnePodEach(answers);
    all.expectNoPodHarmed();
  }, 90_000);
});
