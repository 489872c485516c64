import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

import { FakeClock } from '../../../../test/support/fake-clock.js';
import { FakeRandomness } from '../../../../test/support/fake-randomness.js';
import { RuntimeUnavailable } from '../../lifecycle.errors.js';
import { PortPool, type PortRange } from './port-pool.js';

const MINUTE_MS = 60_000;

describe('the pool of ports', () => {
  const pools: { pool: PortPool; taken: number[] }[] = [];
  const servers: Server[] = [];
  let clock: FakeClock;
  let range: PortRange;

  beforeEach(() => {
    clock = new FakeClock();
    const first = 15_000 + Math.floor(Math.random() * 4_000);
    range = { first, last: first + 3 };
  });
  afterEach(() => {
    for (const { pool, taken } of pools.splice(0)) for (const port of taken) pool.giveBack(port);
    for (const server of servers.splice(0)) server.close();
  });

  function aPool(within = range): { take(): Promise<number>; giveBack(port: number): void } {
    const pool = new PortPool(clock, new FakeRandomness(7), within);
    const taken: number[] = [];
    pools.push({ pool, taken });
    return {
      take: async () => {
        const port = await pool.take();
        taken.push(port);
        return port;
      },
      giveBack: (port) => {
        taken.splice(taken.indexOf(port), 1);
        pool.giveBack(port);
      },
    };
  }

  async function listen(port: number, host: string): Promise<void> {
    const server = createServer().listen({ port, host });
    servers.push(server);
    await once(server, 'listening');
  }

  it('hands out each port once, all of them, and then says that there is none', async () => {
    const pool = aPool();
    const ports = await Promise.all([1, 2, 3, 4].map(() => pool.take()));
    expect([...ports].sort()).toEqual([range.first, range.first + 1, range.first + 2, range.last]);
    await expect(pool.take()).rejects.toBeInstanceOf(RuntimeUnavailable);
  });

  it('lets a port rest for minutes while there are others', async () => {
    const pool = aPool();
    const first = await pool.take();
    pool.giveBack(first);
    const others = [await pool.take(), await pool.take(), await pool.take()];
    expect(others).not.toContain(first);
    expect(await pool.take()).toBe(first);
  });

  it('hands out the one that has rested longest when there is no other', async () => {
    const pool = aPool();
    const ports = [await pool.take(), await pool.take(), await pool.take(), await pool.take()];
    for (const port of [ports[2]!, ports[0]!, ports[3]!]) {
      pool.giveBack(port);
      await clock.advance(MINUTE_MS);
    }
    expect([await pool.take(), await pool.take(), await pool.take()]).toEqual([ports[2], ports[0], ports[3]]);
  });

  it('counts a port as any other once it has rested', async () => {
    const pool = aPool();
    const [first] = [await pool.take(), await pool.take(), await pool.take()];
    pool.giveBack(first);
    await clock.advance(5 * MINUTE_MS);
    expect(await Promise.all([pool.take(), pool.take()])).toContain(first);
  });

  it.each(['127.0.0.1', '0.0.0.0'])('passes over a port on which somebody listens at %s', async (host) => {
    await listen(range.first + 1, host);
    const pool = aPool();
    const ports = [await pool.take(), await pool.take(), await pool.take()];
    expect(ports).not.toContain(range.first + 1);
    await expect(pool.take()).rejects.toBeInstanceOf(RuntimeUnavailable);
  });

  it('keeps out of the way of another pool, even before a pod listens', async () => {
    const [one, other] = [aPool(), aPool()];
    const ports = await Promise.all([one.take(), other.take(), one.take(), other.take()]);
    expect(new Set(ports).size).toBe(4);
    one.giveBack(ports[0]);
    expect(await other.take()).toBe(ports[0]);
  });

  it('begins anywhere in its range', async () => {
    const starts = [1, 2, 3, 4, 5].map(async (seed) => {
      const pool = new PortPool(clock, new FakeRandomness(seed), { first: 20_000, last: 31_999 });
      const port = await pool.take();
      pool.giveBack(port);
      return port;
    });
    expect(new Set(await Promise.all(starts)).size).toBeGreaterThan(3);
  });

  it('leaves a port that it hands out free to listen on', async () => {
    const port = await aPool().take();
    await listen(port, '127.0.0.1');
    expect((servers[0]!.address() as AddressInfo).port).toBe(port);
  });
});
