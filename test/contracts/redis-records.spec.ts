import { refOf } from '../../src/lifecycle/store/session-store.js';
import { eventually } from '../support/eventually.js';
import { alice, bob, opening, sessionId } from '../support/openings.js';
import { podOf } from '../support/pods.js';
import { Ageing } from '../support/redis-ageing.js';
import { RedisServer, withRedis } from '../support/redis-server.js';
import { entered, LIMITS, opened, ready, RedisReplicas } from './redis-harness.js';

withRedis(() => {
  let server: RedisServer;
  beforeAll(async () => void (server = await RedisServer.start()));
  afterAll(() => server.remove());
  const replicas = new RedisReplicas(() => server);
  const s = sessionId('s');

  describe('a record in Redis', () => {
    it('is a hash that a person can read', async () => {
      const store = await replicas.usable();
      const asked = { template: 'gpu', env: { B: '2', A: 'ü' }, idleTimeoutMs: 60_000 };
      await store.enter(s, alice, opening(asked));
      const session = (await store.find(s))!;
      await store.namePod(refOf(session), podOf(session, { node: 'node-1' }));
      await store.markReady(refOf(session), '10.0.0.1:8080');
      const { version, openedAtMs, lastUsedAtMs, readyAtMs, dueAtMs } = (await store.find(s))!;
      expect(await server.admin.hgetall('session:s')).toEqual({
        ...{ schema: '1', id: 's', owner: alice.owner, state: 'ready', generation: '1', opening: '1' },
        ...{ template: 'gpu', env: '{"A":"ü","B":"2"}', idleTimeoutMs: '60000', maxLifetimeMs: '0' },
        ...{ podName: podOf(session).name, podUid: 'uid-of-s-1', podNode: 'node-1', podAddress: '10.0.0.1:8080' },
        ...{ requests: '0', heals: '0', crashes: '0', failures: '0' },
        ...{ version: String(version), openedAtMs: String(openedAtMs), lastUsedAtMs: String(lastUsedAtMs) },
        ...{ readyAtMs: String(readyAtMs), dueAtMs: String(dueAtMs) },
      });
      expect(dueAtMs).toBe(lastUsedAtMs + 60_000);
    });

    it('carries no time to live, and neither does anything else', async () => {
      const store = await replicas.usable();
      await ready(store, 's');
      await store.end(s, alice);
      await store.finish(refOf((await store.find(s))!), 'none');
      for (const key of await server.admin.keys('*'))
        expect({ key, ttl: await server.admin.ttl(key) }).toEqual({ key, ttl: -1 });
    });

    it('keeps the fields that this version does not know, and its schema, through a whole life', async () => {
      const store = await replicas.usable();
      await opened(store, 's');
      await server.admin.hset('session:s', { schema: '7', colour: 'green' });
      const session = await ready(store, 's');
      await store.replace(refOf(session), { reason: 'Evicted', message: '', atMs: 0, crashed: false }, 0);
      await store.end(s, alice);
      await store.finish({ id: s, generation: 2 }, 'none');
      expect(await entered(store, 's')).toMatchObject({ outcome: 'opened', session: { generation: 3 } });
      expect(await server.admin.hgetall('session:s')).toMatchObject({ schema: '7', colour: 'green', generation: '3' });
    });

    it('leaves nothing behind once its tombstone is over, whoever comes by', async () => {
      const store = await replicas.usable();
      await ready(store, 's', '10.0.0.1:80');
      await store.end(s, alice);
      await store.finish({ id: s, generation: 1 }, 'none');
      await new Ageing(server.admin).advance(LIMITS.tombstoneMs);
      await opened(store, 'another');
      await store.end(sessionId('another'), bob);
      const left = (await server.admin.keys('*')).filter((key) => !key.includes('another'));
      for (const key of left.filter((name) => /:(in|of|counted|index|deadlines|tombstones)/.test(name))) {
        const isZset = (await server.admin.type(key)) === 'zset';
        const ids = isZset ? await server.admin.zrange(key, '0', '-1') : await server.admin.smembers(key);
        expect({ key, ids }).toEqual({ key, ids: ['another'] });
      }
      expect(await server.admin.exists('session:s')).toBe(0);
      expect(await store.tally()).toMatchObject({ byState: { ended: 0, creating: 1 } });
    });
  });

  describe('a state that this version does not know', () => {
    const frozen = async () => {
      const store = await replicas.usable();
      const session = await ready(store, 's');
      await server.admin.hset('session:s', 'state', 'hibernating');
      return { store, ref: refOf(session), before: await server.admin.hgetall('session:s') };
    };

    it('is served as it is, to its owner alone', async () => {
      const { store } = await frozen();
      const shown = { outcome: 'found', session: { state: 'hibernating', pod: { address: 's:80' } } };
      expect(await entered(store, 's')).toMatchObject(shown);
      expect(await entered(store, 's', bob)).toBe('not-yours');
      expect(await store.find(s)).toMatchObject(shown.session);
    });

    it('keeps its pods', async () => {
      const { store } = await frozen();
      const pod = podOf((await store.find(s))!);
      expect(await store.isNamed(pod)).toBe(true);
      expect(await store.isNamed({ ...pod, uid: 'of a role that only the later version knows' })).toBe(true);
    });

    it('is never moved', async () => {
      const { store, ref, before } = await frozen();
      const failure = { reason: 'r', message: 'm', atMs: 0, crashed: true };
      const moved = { moved: expect.objectContaining({ state: 'hibernating' }) };
      await entered(store, 's');
      expect(await store.touch([{ ...ref, requests: 1 }])).toEqual([moved]);
      expect(await store.tryStart(ref)).toEqual(moved);
      expect(await store.namePod(ref, podOf((await store.find(s))!))).toEqual(moved);
      expect(await store.markReady(ref, '10.0.0.2:80')).toEqual(moved);
      expect(await store.replace(ref, failure, 0)).toEqual(moved);
      expect(await store.fail(ref, failure, 0)).toEqual(moved);
      expect(await store.reap(ref)).toEqual(moved);
      expect(await store.finish(ref, 'none')).toEqual(moved);
      await store.end(s, alice);
      await store.change(s, alice, { idleTimeoutMs: 1 });
      await store.postpone(ref, 5_000);
      expect(await server.admin.hgetall('session:s')).toEqual(before);
    });

    it('does not stand in the way of what is due behind it', async () => {
      const { store } = await frozen();
      await opened(store, 'next');
      await new Ageing(server.admin).advance(3_600_000);
      const { sessions, nextInMs } = await store.due(1);
      expect(sessions.map(({ id }) => id)).toEqual(['next']);
      expect(nextInMs).toBeUndefined();
    });

    it('survives an import, whatever the pods show', async () => {
      const { store, before } = await frozen();
      const session = (await store.find(s))!;
      await server.admin.del('sessions:epoch');
      const token = await store.beginImport();
      if (token === 'not-needed') throw new Error('the marker is gone');
      const shown = podOf(session, { phase: 'ready', address: '10.0.0.9:80' });
      await store.importPod(token, shown);
      expect(await store.finishImport(token, new Set())).toBe('usable');
      expect(await server.admin.hgetall('session:s')).toEqual(before);
    });
  });

  describe('what is no record', () => {
    it('is left alone by an import, and is nothing to anybody else', async () => {
      const store = await replicas.usable();
      await server.admin.hset('session:broken', { state: 'ready', owner: 'x' });
      await server.admin.set('session:text', 'of another program');
      await server.admin.del('sessions:epoch');
      const token = await store.beginImport();
      if (token === 'not-needed') throw new Error('the marker is gone');
      expect(await store.finishImport(token, new Set())).toBe('usable');
      expect(await store.find(sessionId('broken'))).toBeUndefined();
      expect((await store.list({ limit: 10 })).sessions).toEqual([]);
      expect(await server.admin.get('session:text')).toBe('of another program');
    });
  });

  describe('databases of one server', () => {
    it('are stores of their own', async () => {
      const store = await replicas.usable();
      const other = await replicas.connected({ address: { db: 3 } });
      const token = await other.beginImport();
      if (token === 'not-needed') throw new Error('the other database has a marker of its own');
      await other.finishImport(token, new Set());
      const [seen, seenThere]: string[][] = [[], []];
      store.watch(
        ({ id }) => seen!.push(id),
        () => seen!.push('missed'),
      );
      other.watch(
        ({ id }) => seenThere!.push(id),
        () => seenThere!.push('missed'),
      );
      await opened(store, 'here');
      await opened(other, 'there');
      await eventually(() => expect([seen, seenThere]).toEqual([['here'], ['there']]));
      expect(await other.find(sessionId('here'))).toBeUndefined();
    });
  });
});
