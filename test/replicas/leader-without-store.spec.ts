import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet, LEASE } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const IDLE_MS = 3_000;
/** Its connections are hung up on, it waits a lease for the store, its tasks return; the rest is for a busy machine. */
const STANDS_DOWN_MS = 2 * LEASE.durationMs + 20_000;
const REAPED_MS = 30_000;

describeWithControlPlane('a leader that alone is cut off from the store', () => {
  let fleet: Fleet;
  let way: TcpProxy;
  let cut: BerthProcess;
  let whole: BerthProcess;

  beforeAll(async () => {
    const settings = { IDLE_TIMEOUT_SECONDS: String(IDLE_MS / 1_000), CLEANUP_INTERVAL_SECONDS: '1' };
    fleet = await Fleet.start({ settings, replicas: 0 });
    way = await TcpProxy.to(`http://127.0.0.1:${fleet.redis.port}`);
    cut = await fleet.add({ REDIS_PORT: way.address.split(':')[1] });
    await fleet.untilLed();
    whole = await fleet.add();
  }, 90_000);
  afterAll(async () => {
    await fleet?.stop();
    way?.close();
  });

  it('leaves the lead to one that is not, which does its work', async () => {
    expect(await fleet.leader()).toBe(cut);
    await whole.execute('idle', 0);
    way.set('freeze');
    await eventually(async () => expect(await fleet.leader()).toBe(whole), STANDS_DOWN_MS);
    await eventually(async () => expect(await whole.status('idle')).toMatchObject({ status: 404 }), REAPED_MS);
    way.set('pass');
    await eventually(async () => expect(await cut.execute('again', 0)).toMatchObject({ status: 200 }), REAPED_MS);
    expect(await fleet.leader()).toBe(whole);
  }, 120_000);
});
