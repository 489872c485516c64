import { MemoryLost, StoreUnavailable } from '../../src/lifecycle/lifecycle.errors.js';
import type { SessionStore } from '../../src/lifecycle/store/session-store.js';
import { eventually } from '../support/eventually.js';
import { sessionId } from '../support/openings.js';
import { podOf } from '../support/pods.js';
import { RedisServer, withRedis } from '../support/redis-server.js';
import { answering, entered, opened, ready, RedisReplicas, usable } from './redis-harness.js';

withRedis(() => {
  let server: RedisServer;
  let replica: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
    replica = await RedisServer.start();
  });
  afterAll(async () => {
    await server.remove();
    await replica.remove();
  });
  const replicas = new RedisReplicas(() => server);
  const s = sessionId('s');

  const expectLost = async (store: SessionStore): Promise<void> => {
    await expect(entered(store, 's')).rejects.toThrow(MemoryLost);
    await expect(store.find(s)).rejects.toThrow(MemoryLost);
    await usable(store);
    await expect(store.find(s)).resolves.not.toThrow();
  };

  describe('the memory of the server is lost until the import', () => {
    it('when it restarted, although its file kept the records', async () => {
      const store = await replicas.usable();
      await opened(store, 's');
      await server.stop('SIGTERM');
      await server.startAgain();
      await answering(store);
      await expectLost(store);
      expect(await store.find(s)).toMatchObject({ state: 'creating' });
    });

    it.each(['flushall', 'flushdb'] as const)('after %s', async (flush) => {
      const store = await replicas.usable();
      await opened(store, 's');
      await server.admin[flush]();
      await expectLost(store);
    });

    it('when a replica of it was promoted, with all that it had copied', async () => {
      const store = await replicas.usable();
      await opened(store, 's');
      await replica.admin.replicaof('127.0.0.1', server.port);
      await eventually(async () => expect(await replica.admin.exists('session:s')).toBe(1));
      await replica.admin.replicaof('NO', 'ONE');
      const there = await replicas.connected({ address: replica.address });
      await expectLost(there);
      expect(await there.find(s)).toMatchObject({ state: 'creating' });
    });
  });

  /** Its run id is what the marker said before: it would be believed, though what it had told nobody is lost. */
  it('is still lost when a server gave way to its replica, and took its place again before the import was over', async () => {
    const store = await replicas.usable();
    await opened(store, 's');
    await replica.admin.flushall();
    await replica.admin.replicaof('127.0.0.1', server.port);
    await eventually(async () => expect(await replica.admin.exists('session:s')).toBe(1));
    await opened(store, 'untold');
    await replica.admin.replicaof('NO', 'ONE');
    const there = await replicas.connected({ address: replica.address });
    expect(await there.beginImport()).toMatchObject({ token: expect.any(String) });
    await server.admin.replicaof('127.0.0.1', replica.port);
    await eventually(async () => expect(await server.admin.exists('sessions:import')).toBe(1));
    await server.admin.replicaof('NO', 'ONE');
    await answering(store);
    await expectLost(store);
  });

  describe('a server that became a replica', () => {
    afterEach(() => server.admin.replicaof('NO', 'ONE'));

    it('is away, for reads and for changes, until it is a primary again', async () => {
      const store = await replicas.usable();
      await opened(store, 's');
      await replica.admin.flushall();
      await server.admin.replicaof('127.0.0.1', replica.port);
      await eventually(async () => expect(await server.admin.exists('session:s')).toBe(0));
      for (const call of [() => store.find(s), () => entered(store, 's'), () => store.beginImport()]) {
        await eventually(async () => {
          const error: unknown = await call().catch((reason: unknown) => reason);
          expect(error).toBeInstanceOf(StoreUnavailable);
          expect(String(error)).toContain('READONLY');
        });
      }
      await server.admin.replicaof('NO', 'ONE');
      await answering(store);
      await eventually(() => usable(store));
      await opened(store, 's');
    });
  });

  describe('an import into what is left of a data set', () => {
    const importing = async (store: SessionStore) => {
      const token = await store.beginImport();
      if (token === 'not-needed') throw new Error('the marker is gone');
      return token;
    };

    it('builds everything anew from the records, whatever the lists say', async () => {
      const store = await replicas.usable({ limits: { maxSessions: 3 } });
      const kept = await ready(store, 'kept', '10.0.0.1:80');
      await opened(store, 'creating');
      await ready(store, 'lost');
      const { admin } = server;
      await admin.del(
        'sessions:counted',
        'sessions:index',
        'sessions:in:ready',
        'sessions:deadlines',
        'sessions:epoch',
      );
      await admin.sadd('sessions:counted', 'ghost1', 'ghost2', 'ghost3');
      await admin.sadd(`sessions:counted-by:${kept.owner}`, 'ghost1', 'ghost2');
      await admin.zadd('sessions:deadlines', 1, 'ghost1');
      const token = await importing(store);
      await store.importPod(token, podOf(kept, { uid: kept.pod!.uid, phase: 'ready', address: '10.0.0.1:80' }));
      expect(await store.finishImport(token, new Set([kept.pod!.uid]))).toBe('usable');
      expect(await store.tally()).toEqual({
        counted: 2,
        byState: { creating: 1, ready: 1, terminating: 0, failed: 0, ended: 1 },
      });
      expect((await store.list({ limit: 10 })).sessions.map(({ id }) => id)).toEqual(['creating', 'kept']);
      expect((await store.due(10)).sessions).toEqual([]);
      expect((await store.due(10)).nextInMs).toBeGreaterThan(0);
      await opened(store, 'third');
      expect(await entered(store, 'fourth')).toBe('session-limit');
    });

    it('goes through more keys than one step takes', async () => {
      const store = await replicas.usable();
      for (let some = 0; some < 10; some++)
        await Promise.all(Array.from({ length: 150 }, (_, at) => opened(store, `s${some}-${at}`)));
      await server.admin.del('sessions:epoch', 'sessions:counted', 'sessions:in:creating');
      const token = await importing(store);
      const uids = Array.from({ length: 2_500 }, (_, at) => `uid-${at}`);
      expect(await store.finishImport(token, new Set(uids))).toBe('usable');
      expect(await store.tally()).toMatchObject({ counted: 1_500, byState: { creating: 1_500 } });
      expect(await server.admin.exists('sessions:import-living', 'sessions:import')).toBe(0);
    });

    it('drops an id from the queue that has no record', async () => {
      const store = await replicas.usable();
      await server.admin.zadd('sessions:deadlines', 1, 'ghost');
      expect(await store.due(10)).toEqual({ sessions: [], nextInMs: undefined });
      expect(await server.admin.zcard('sessions:deadlines')).toBe(0);
    });
  });
});
