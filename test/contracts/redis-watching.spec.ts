import type { SessionStore, Touch } from '../../src/lifecycle/store/session-store.js';
import { refOf } from '../../src/lifecycle/store/session-store.js';
import { eventually } from '../support/eventually.js';
import { sessionId } from '../support/openings.js';
import { RedisServer, withRedis } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { answering, opened, ready, RedisReplicas, usable } from './redis-harness.js';

class Seen {
  readonly ids: string[] = [];
  missed = 0;

  constructor(store: SessionStore) {
    store.watch(
      ({ id }) => this.ids.push(id),
      () => this.missed++,
    );
  }
}

withRedis(() => {
  let server: RedisServer;
  beforeAll(async () => void (server = await RedisServer.start()));
  afterAll(() => server.remove());
  const replicas = new RedisReplicas(() => server);

  describe('watching a Redis store', () => {
    it('tells that some were missed when its connection was cut, and goes on', async () => {
      const store = await replicas.usable();
      const seen = new Seen(store);
      await server.admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await eventually(() => expect(seen.missed).toBe(1));
      await opened(store, 'after');
      await eventually(() => expect(seen.ids).toContain('after'));
      expect(seen.missed).toBe(1);
    });

    it('tells so when a message is out of turn', async () => {
      const store = await replicas.usable();
      const seen = new Seen(store);
      await opened(store, 'first');
      await eventually(() => expect(seen.ids).toEqual(['first']));
      await server.admin.incr('sessions:published');
      await opened(store, 'second');
      await eventually(() => expect(seen).toMatchObject({ ids: ['first', 'second'], missed: 1 }));
    });

    it('finds out within seconds when the last message did not come', async () => {
      const store = await replicas.usable();
      const seen = new Seen(store);
      await server.admin.incr('sessions:published');
      await eventually(() => expect(seen.missed).toBe(1));
    });

    it('finds out within seconds when its connections fell silent, of which nobody told it', async () => {
      const elsewhere = await replicas.usable();
      const way = await TcpProxy.to(`http://127.0.0.1:${server.port}`);
      const store = await replicas.connected({ address: { port: Number(way.port) } });
      const seen = new Seen(store);
      way.set('freeze', 'open');
      await opened(elsewhere, 'unheard');
      await eventually(() => expect(seen.missed).toBe(1), 10_000);
      await opened(elsewhere, 'after');
      await eventually(() => expect(seen).toMatchObject({ ids: ['after'], missed: 1 }));
      way.close();
    });

    it('takes what it cannot read for one that it missed', async () => {
      const store = await replicas.usable();
      const seen = new Seen(store);
      await server.admin.publish('sessions:changes:0', 'hello');
      await opened(store, 's');
      await eventually(() => expect(seen).toMatchObject({ ids: ['s'], missed: 1 }));
    });

    it('tells it after a loss of memory only when the store can be asked again', async () => {
      const store = await replicas.usable();
      await opened(store, 's');
      const seen = new Seen(store);
      await server.stop('SIGKILL');
      await server.startAgain();
      await answering(store);
      const token = await store.beginImport();
      if (token === 'not-needed') throw new Error('the server has restarted');
      expect(seen.missed).toBe(0);
      await store.finishImport(token, new Set());
      await eventually(() => expect(seen.missed).toBe(1));
      await expect(store.find(sessionId('s'))).resolves.toBeDefined();
    });

    it('counts from anew after a flush, and misses nothing later', async () => {
      const store = await replicas.usable();
      for (const id of ['a', 'b', 'c']) await opened(store, id);
      const seen = new Seen(store);
      await server.admin.flushall();
      await usable(store);
      await eventually(() => expect(seen.missed).toBe(1));
      await opened(store, 'd');
      await opened(store, 'e');
      await eventually(() => expect(seen.ids).toEqual(['d', 'e']));
      expect(seen.missed).toBe(1);
    });

    it('counts from anew when another server, which remembers nothing, is in the place of the one before', async () => {
      const store = await replicas.usable();
      for (const id of ['a', 'b', 'c', 'd', 'e']) await opened(store, id);
      const seen = new Seen(store);
      await server.startEmpty();
      await answering(store);
      await usable(store);
      await eventually(() => expect(seen.missed).toBe(1));
      await opened(store, 'f');
      await eventually(() => expect(seen.ids).toEqual(['f']));
    });

    it('is not told of what its own replica knew before it began', async () => {
      const store = await replicas.usable();
      for (let round = 0; round < 20; round++) {
        await opened(store, `before${round}`);
        const seen = new Seen(store);
        await opened(store, `after${round}`);
        await eventually(() => expect(seen.ids).toEqual([`after${round}`]));
      }
    });
  });

  describe('touching many', () => {
    it('is told to nobody, and is missed by nobody', async () => {
      const store = await replicas.usable();
      const sessions = await Promise.all(Array.from({ length: 250 }, (_, at) => ready(store, `t${at}`)));
      const touches: Touch[] = sessions.map((session) => ({ ...refOf(session), requests: 1 }));
      const seen = new Seen(store);
      const before = await server.admin.get('sessions:published');
      expect(await store.touch(touches)).toEqual(touches.map(() => 'touched'));
      expect(await server.admin.get('sessions:published')).toBe(before);
      for (const { id, requests } of sessions)
        expect(await store.find(id)).toMatchObject({ requests: requests + 1, state: 'ready' });
      await opened(store, 'sentinel');
      await eventually(() => expect(seen).toMatchObject({ ids: ['sentinel'], missed: 0 }));
    });

    it('answers more than fit into one piece each in its place', async () => {
      const store = await replicas.usable();
      const session = await ready(store, 's');
      const gone: Touch = { id: sessionId('nobody'), generation: 1, requests: 1 };
      const touches = Array.from({ length: 1_500 }, (_, at) =>
        at % 100 === 99 ? gone : { ...refOf(session), requests: 1 },
      );
      const expected = touches.map((touch) => (touch === gone ? { moved: undefined } : 'touched'));
      expect(await store.touch(touches)).toEqual(expected);
      expect(await store.find(session.id)).toMatchObject({ requests: 1_485 });
    });
  });
});
