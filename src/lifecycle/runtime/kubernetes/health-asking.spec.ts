import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { eventually } from '../../../../test/support/eventually.js';
import { FakeClock } from '../../../../test/support/fake-clock.js';
import { SystemClock } from '../../../platform/clock.js';
import { answersHealthy, HealthAsking, questionPauseMs } from './health-asking.js';

const servers: Server[] = [];
const never = new AbortController().signal;

async function pod(answer: RequestListener): Promise<{ host: string; port: number; path: string; run: number }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, path: '/health?deep=1', run: 0 };
}

function status(code: number, headers = {}): RequestListener {
  return (_, response) => response.writeHead(code, headers).end('x');
}

afterEach(() => servers.splice(0).forEach((server) => server.close() && server.closeAllConnections()));

describe('a question for the health of a pod', () => {
  it.each([
    [200, true],
    [302, true],
    [399, true],
    [400, false],
    [500, false],
  ])('is answered by %d: %s', async (code, isHealthy) => {
    expect(await answersHealthy(await pod(status(code)), never, new SystemClock())).toBe(isHealthy);
  });

  it('asks for the path and follows no redirect', async () => {
    const asked: unknown[] = [];
    const target = await pod((request, response) => {
      asked.push(request.method, request.url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    await answersHealthy(target, never, new SystemClock());
    expect(asked).toEqual(['GET', '/health?deep=1']);
  });

  it('is answered by a body that never ends', async () => {
    const target = await pod((_, response) => response.writeHead(200).write('and so on'));
    expect(await answersHealthy(target, never, new SystemClock())).toBe(true);
  });

  it('is not answered by who breaks off, or is not there', async () => {
    const target = await pod((request) => request.socket.destroy());
    expect(await answersHealthy(target, never, new SystemClock())).toBe(false);
    servers.splice(0).forEach((server) => server.close());
    expect(await answersHealthy(target, never, new SystemClock())).toBe(false);
  });

  it('is given up after a second, or when nobody wants to know any more', async () => {
    const clock = new FakeClock();
    const target = await pod(() => undefined);
    const late = answersHealthy(target, never, clock);
    await clock.advance(1_000);
    expect(await late).toBe(false);
    const leaving = new AbortController();
    const left = answersHealthy(target, leaving.signal, clock);
    leaving.abort();
    expect(await left).toBe(false);
    expect(await answersHealthy(target, leaving.signal, clock)).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    [0, 50],
    [300, 60],
    [1_000, 200],
    [60_000, 500],
  ])('is repeated, %d ms after the first, in %d ms', (sinceMs, pauseMs) => {
    expect(questionPauseMs(sinceMs)).toBe(pauseMs);
  });
});

describe('pods that start', () => {
  let reached: [string, number][];
  let asking: HealthAsking;

  function ask(giveUpAfterMs = 60_000): HealthAsking {
    reached = [];
    return (asking = new HealthAsking(new SystemClock(), giveUpAfterMs, (uid, run) => reached.push([uid, run])));
  }
  afterEach(() => asking.stop());

  it('are asked until they answer, and then no more', async () => {
    let asked = 0;
    const target = await pod((_, response) => response.writeHead(++asked < 3 ? 503 : 200).end());
    ask().consider('one', target);
    await eventually(() => expect(reached).toEqual([['one', 0]]));
    expect(asked).toBe(3);
  });

  it('are each asked by one, however often they are considered', async () => {
    let asked = 0;
    const target = await pod(() => void (asked += 1));
    ask().consider('one', target);
    for (let looks = 0; looks < 5; looks++) asking.consider('one', { ...target });
    await eventually(() => expect(asked).toBe(1));
  });

  it('are asked anew in another run, and the answer counts for that run', async () => {
    const silent = await pod(() => undefined);
    const answering = await pod(status(200));
    ask().consider('one', silent);
    asking.consider('one', { ...answering, run: 2 });
    await eventually(() => expect(reached).toEqual([['one', 2]]));
  });

  it('are left alone once nobody needs to know', async () => {
    const open = new Set<object>();
    const target = await pod((request) => {
      open.add(request);
      request.socket.once('close', () => open.delete(request));
    });
    ask().consider('one', target);
    asking.consider('other', target);
    await eventually(() => expect(open.size).toBe(2));
    asking.consider('one', undefined);
    await eventually(() => expect(open.size).toBe(1));
    asking.stop();
    await eventually(() => expect(open.size).toBe(0));
    expect(reached).toEqual([]);
  });

  it('are not all asked at once, and each gets its turn', async () => {
    let held: ServerResponse[] | undefined = [];
    const target = await pod((request, response) => {
      if (held && request.url === '/health') held.push(response);
      else response.writeHead(200).end();
    });
    const pods = Array.from({ length: 100 }, (_, number) => `pod-${number}`);
    reached = [];
    asking = new HealthAsking(new FakeClock(), 60_000, (uid, run) => reached.push([uid, run]));
    for (const uid of pods) asking.consider(uid, { ...target, path: '/health' });
    await eventually(() => expect(held!.length).toBeGreaterThanOrEqual(32));
    await answersHealthy({ ...target, path: '/asked-after-all-of-them' }, never, new SystemClock());
    expect(held).toHaveLength(32);
    const waiting = held;
    held = undefined;
    for (const response of waiting) response.writeHead(200).end();
    await eventually(() => expect(reached.map(([uid]) => uid).sort()).toEqual([...pods].sort()));
  });

  it('that never answer are given up', async () => {
    const target = await pod(status(503));
    let asked = 0;
    servers.at(-1)!.on('request', () => (asked += 1));
    ask(0).consider('one', target);
    await eventually(() => expect(asked).toBeGreaterThanOrEqual(1));
    asking.consider('one', { ...target, run: 1 });
    await eventually(() => expect(asked).toBeGreaterThanOrEqual(2));
    expect(reached).toEqual([]);
  });
});
