import { setTimeout as pause } from 'node:timers/promises';

import { expectProblem } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { openSocket, openStream } from '../support/open-uses.js';
import { PodWitness } from '../support/pod-witness.js';
import { expectUnbroken, SteadyUse } from '../support/steady-use.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { writeTemplates } from '../support/templates-file.js';

const IDLE_MS = 6_000;
const REAPED_MS = 40_000;

describeWithControlPlane('a replica that alone is cut off from the store', () => {
  let fleet: Fleet;
  let pods: PodWitness;
  let way: TcpProxy;
  let whole: BerthProcess;
  let cut: BerthProcess;

  beforeAll(async () => {
    const settings = {
      IDLE_TIMEOUT_SECONDS: String(IDLE_MS / 1_000),
      CLEANUP_INTERVAL_SECONDS: '1',
      TEMPLATES_PATH: writeTemplates(),
    };
    fleet = await Fleet.start({ settings });
    pods = await PodWitness.of(fleet);
    whole = await fleet.untilLed();
    way = await TcpProxy.to(`http://127.0.0.1:${fleet.redis.port}`);
    cut = await fleet.add({ REDIS_PORT: way.address.split(':')[1] });
  }, 90_000);
  afterAll(async () => {
    await pods?.stop();
    await fleet?.stop();
    way?.close();
  });

  it.each([
    ['whose connections break', 'refuse'],
    ['whose connections fall silent', 'freeze'],
  ] as const)(
    '%s keeps what it has in use from the leader, who ends what nobody uses',
    async (_, mode) => {
      const [used, stream, socket, idle, fresh] = ['used', 'stream', 'socket', 'idle', 'new'].map(
        (name) => `${name}-${mode}`,
      ) as [string, string, string, string, string];
      const open = await Promise.all([openStream(cut, stream), openSocket(cut, socket)]);
      await cut.execute(used, 0);
      await whole.execute(idle, 0);
      const use = new SteadyUse(cut, used);
      way.set(mode);

      await eventually(async () => {
        expect(await whole.status(idle)).toMatchObject({ status: 404 });
      }, REAPED_MS);
      await pause(2 * IDLE_MS); // in use all the while, of which the store has heard nothing
      expectProblem(await cut.execute(fresh, 0), 503, 'DEPENDENCY_UNAVAILABLE');
      expect(await whole.execute(fresh, 0)).toMatchObject({ status: 200 });
      way.set('pass');
      await eventually(async () => expect(await cut.status(used)).toMatchObject({ status: 200 }), REAPED_MS);
      await pause(IDLE_MS);

      expectUnbroken(await use.stop());
      for (const { works } of open) await works();
      for (const id of [used, stream, socket]) {
        expect({ id, pods: pods.podsOf(id).length }).toEqual({ id, pods: 1 });
        expect(pods.deleted()).not.toContain(pods.podsOf(id)[0]);
        expect((await whole.status(id)).body).toMatchObject({ state: 'ready', generation: 1 });
      }
      open.forEach(({ close }) => close());
    },
    150_000,
  );
});
