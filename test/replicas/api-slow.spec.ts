import { setTimeout as pause } from 'node:timers/promises';

import { FleetInUse } from '../support/fleet-in-use.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { expectNoneFailed, expectOnePodEach } from '../support/load.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Each way: the handshake of a new connection takes several of them. */
const LATE_MS = 150;
const SLOW_FOR_MS = 10_000;

describeWithControlPlane('three replicas under load whose API server is slow', () => {
  let all: FleetInUse;
  let way: TcpProxy;
  beforeAll(async () => {
    all = await FleetInUse.start({
      settingsOf: async (fleet) => {
        way ??= await TcpProxy.to(fleet.own.controlPlane.url);
        return fleet.through(way.address);
      },
    });
  }, 120_000);
  afterAll(async () => {
    await all?.stop();
    way?.close();
  });

  it('serve known sessions as ever, open new ones later, each with one pod, and end nobody', async () => {
    const before = await all.known();
    const slowAtMs = Date.now();
    const opened: string[] = [];
    const answers = await all.underLoad(async () => {
      way.set({ lateMs: LATE_MS });
      for (const replica of all.replicas) opened.push(await all.untilOpened(replica));
      await pause(SLOW_FOR_MS);
      way.set('pass');
      await all.untilWhole(before);
    });
    expectNoneFailed(answers);
    expectOnePodEach(answers);
    for (const id of opened) await all.fleet.expectMadeOnce(id);
    expect(all.pods.deleted(slowAtMs)).toEqual([]);
    all.expectNoPodHarmed();
  }, 90_000);
});
