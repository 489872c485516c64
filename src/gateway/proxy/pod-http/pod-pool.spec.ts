import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { eventually } from '../../../../test/support/eventually.js';
import { FakeClock } from '../../../../test/support/fake-clock.js';
import { Hearing } from '../../../../test/support/gateway/hearing.js';
import { RawPod } from '../../../../test/support/gateway/raw-pod.js';
import { PodPool } from './pod-pool.js';

let clock: FakeClock;
let pod: RawPod;
let pool: PodPool;
afterEach(async () => {
  pool.destroy();
  await pod.stop();
});

async function setUp(field = 'X-Kept: yes', dial: () => Promise<Socket> = dialPod): Promise<void> {
  clock = new FakeClock();
  pod = await new RawPod((to) => to.write(`HTTP/1.1 200 OK\r\n${field}\r\nContent-Length: 2\r\n\r\nok`)).start();
  pool = new PodPool(dial, clock);
}

async function dialPod(): Promise<Socket> {
  const socket = connect(Number(pod.address.split(':')[1]), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

function ask(): Hearing {
  const hearing = new Hearing();
  pool.ask(hearing);
  return hearing;
}

async function askAndHear(): Promise<void> {
  const hearing = ask();
  await eventually(() => expect(hearing).toMatchObject({ text: 'ok', trailers: [] }));
}

describe('the connections to one pod', () => {
  it('are as many as there are requests at the same time, and used again', async () => {
    await setUp();
    const all = Array.from({ length: 5 }, ask);
    await eventually(() => expect(all.map(({ text }) => text)).toEqual(Array(5).fill('ok')));
    for (let times = 0; times < 5; times += 1) await askAndHear();
    expect(pod.sockets).toHaveLength(5);
  });

  it.each([
    ['nothing', 'X-Kept: yes', 1_499],
    ['that it keeps them for ten seconds', 'Keep-Alive: timeout=10', 7_999],
    ['that it keeps them for an hour', 'Keep-Alive: max=5, timeout=3600', 59_999],
  ])('are not used again when they get old, before a pod that says %s closes them', async (_name, field, stillMs) => {
    await setUp(field);
    await askAndHear();
    await clock.advance(stillMs);
    await askAndHear();
    expect(pod.sockets).toHaveLength(1);
    await clock.advance(stillMs + 1);
    await askAndHear();
    expect(pod.sockets).toHaveLength(2);
    await eventually(() => expect(pod.sockets[0]!.destroyed).toBe(true));
  });

  it('are not used again when the pod keeps them for no longer than a request may take to arrive', async () => {
    await setUp('Keep-Alive: timeout=2');
    await askAndHear();
    await askAndHear();
    expect(pod.sockets).toHaveLength(2);
  });

  it('are closed when nobody needs them any more, without anybody asking', async () => {
    await setUp();
    await askAndHear();
    await clock.advance(3_000);
    await eventually(() => expect(pod.sockets[0]!.destroyed).toBe(true));
    expect(clock.pendingTimers).toBe(0);
  });

  it('are made anew where the pod has closed them', async () => {
    await setUp();
    await askAndHear();
    pod.sockets[0]!.end();
    await eventually(() => expect(pool.isIdle && pod.sockets[0]!.destroyed).toBe(true));
    await askAndHear();
    expect(pod.sockets).toHaveLength(2);
  });

  it('that cannot be made fail one request each', async () => {
    let dials = 0;
    await setUp(undefined, () => ((dials += 1) === 1 ? Promise.reject(new Error('refused')) : dialPod()));
    const [first, second] = [ask(), ask()];
    await eventually(() => expect([first.failure?.message, second.text]).toEqual(['refused', 'ok']));
    expect(pool.isIdle).toBe(true);
  });

  it('are bounded, and a request that finds none waits for one', async () => {
    const most = 1_024;
    let dials = 0;
    await setUp(undefined, () => ((dials += 1) <= most ? new Promise<Socket>(() => undefined) : dialPod()));
    for (let at = 0; at < most + 10; at += 1) ask();
    expect(dials).toBe(most);
    expect(pool.isIdle).toBe(false);
  });

  it('let what is under way finish when they are closed, and refuse what waits', async () => {
    let finish = (): void => undefined;
    await setUp();
    await pod.stop();
    pod = await new RawPod(
      (to) => (finish = () => void to.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
    ).start();
    const underWay = ask();
    await eventually(() => expect(pod.heard[0]).toContain('\r\n\r\n'));
    const waiting = ask();
    pool.close();
    expect(waiting.failure).toBeDefined();
    finish();
    await eventually(() => expect(underWay).toMatchObject({ text: 'ok', trailers: [] }));
    await eventually(() => expect(pod.sockets[0]!.destroyed).toBe(true));
  });
});
