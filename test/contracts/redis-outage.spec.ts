import { StoreUnavailable } from '../../src/lifecycle/lifecycle.errors.js';
import { refOf } from '../../src/lifecycle/store/session-store.js';
import { RedisAway } from '../../src/platform/redis/redis-errors.js';
import { eventually } from '../support/eventually.js';
import { alice, sessionId } from '../support/openings.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { RedisServer, withRedis } from '../support/redis-server.js';
import { answering, entered, opened, ready, RedisReplicas, usable } from './redis-harness.js';

withRedis(() => {
  let server: RedisServer;
  beforeAll(async () => void (server = await RedisServer.start()));
  afterAll(() => server.remove());
  const replicas = new RedisReplicas(() => server);
  const s = sessionId('s');

  describe('a server that has stopped answering', () => {
    afterEach(() => server.resume());

    it('is away within the deadline, and back when it goes on', async () => {
      const store = await replicas.usable({ answerWithinMs: 300 });
      server.pause();
      const beganAtMs = performance.now();
      const error: unknown = await store.find(s).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect((error as Error).cause).toBeInstanceOf(RedisAway);
      expect(performance.now() - beganAtMs).toBeLessThan(1_000);
      server.resume();
      await answering(store);
      await opened(store, 's');
    });

    it('collects no queue: what is asked meanwhile fails at once', async () => {
      const store = await replicas.usable({ answerWithinMs: 300 });
      server.pause();
      await expect(store.find(s)).rejects.toThrow(StoreUnavailable);
      await eventually(async () => {
        const beganAtMs = performance.now();
        await Promise.allSettled(Array.from({ length: 1_000 }, () => store.find(s)));
        expect(performance.now() - beganAtMs).toBeLessThan(250);
      });
    });

    it('is owed no more than ten thousand answers', async () => {
      const store = await replicas.usable({ answerWithinMs: 1_000 });
      server.pause();
      const asked = Array.from({ length: 10_001 }, () => store.find(s).catch((error: unknown) => String(error)));
      expect(await asked.at(-1)).toContain('10000 calls wait for an answer');
      server.resume();
      await Promise.all(asked);
    });

    it('does not keep anybody from closing', async () => {
      const store = await replicas.usable();
      server.pause();
      const asked = store.find(s).catch((error: unknown) => error);
      const beganAtMs = performance.now();
      await store.close();
      expect(performance.now() - beganAtMs).toBeLessThan(1_000);
      expect(await asked).toBeInstanceOf(StoreUnavailable);
      await expect(store.find(s)).rejects.toThrow(StoreUnavailable);
    });
  });

  describe('a server that is gone', () => {
    afterEach(() => server.startAgain());

    it('is told once when it went and once when it is back, by host and port', async () => {
      const logger = new RecordingLogger();
      const store = await replicas.usable({ logger });
      await server.stop('SIGKILL');
      await eventually(() => expect(logger.of('redis.away')).toHaveLength(1));
      await expect(store.find(s)).rejects.toThrow(StoreUnavailable);
      await server.startAgain();
      await eventually(() => expect(logger.of('redis.back')).toHaveLength(1));
      expect(logger.of('redis.away')).toHaveLength(1);
      expect(logger.of('redis.away')[0]?.sentence).toContain(`127.0.0.1:${server.port}`);
      await server.stop();
    });

    it('is waited for by a start, however often it does not answer', async () => {
      await server.stop();
      const logger = new RecordingLogger();
      const store = replicas.store({ logger });
      const connecting = store.connect();
      await eventually(() => expect(logger.of('redis.away')).toHaveLength(1));
      await expect(store.find(s)).rejects.toThrow(StoreUnavailable);
      await server.startAgain();
      await connecting;
      await usable(store);
      expect(logger.of('redis.back')).toHaveLength(1);
      await server.stop();
    });

    it('is waited for no more by a start that was called off', async () => {
      await server.stop();
      const store = replicas.store();
      const connecting = expect(store.connect()).rejects.toThrow(RedisAway);
      await expect(store.find(s)).rejects.toThrow(StoreUnavailable);
      await store.close();
      await connecting;
    });
  });

  describe('a connection that is cut', () => {
    it('is made again, and what was asked on it fails as an outage or is done', async () => {
      const store = await replicas.usable();
      const asked = Array.from({ length: 200 }, (_, at) => entered(store, `cut${at}`).catch((error: unknown) => error));
      await server.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      for (const answer of await Promise.all(asked)) {
        if (answer instanceof Error) expect(answer).toBeInstanceOf(StoreUnavailable);
        else expect(answer).toMatchObject({ outcome: 'opened' });
      }
      await answering(store);
      const again = await Promise.all(Array.from({ length: 200 }, (_, at) => entered(store, `cut${at}`)));
      for (const answer of again) expect(answer).toMatchObject({ session: { generation: 1, opening: 1 } });
    });
  });

  describe('a server that refuses', () => {
    it('changes when its memory is full is away, half of nothing is done, and it is read as before', async () => {
      const store = await replicas.usable();
      await opened(store, 's');
      const before = await server.admin.hgetall('session:s');
      await server.admin.config('SET', 'maxmemory', '1mb');
      try {
        await expect(entered(store, 'full')).rejects.toThrow(/OOM/);
        await expect(entered(store, 's')).rejects.toThrow(StoreUnavailable);
        expect(await store.find(s)).toBeDefined();
        expect(await server.admin.hgetall('session:s')).toEqual(before);
        expect(await store.tally()).toMatchObject({ counted: 1 });
      } finally {
        await server.admin.config('SET', 'maxmemory', '0');
      }
      await opened(store, 'full');
    });

    it('changes when its memory is full still records use and ends sessions, which makes room', async () => {
      const store = await replicas.usable();
      const session = await ready(store, 's');
      await server.admin.config('SET', 'maxmemory', '1mb');
      try {
        await expect(entered(store, 'full')).rejects.toThrow(/OOM/);
        expect(await store.touch([{ ...refOf(session), requests: 1 }])).toEqual(['touched']);
        await store.postpone(refOf(session), 1);
        expect(await store.reap(refOf(session))).toBe('not-due');
        expect(await store.end(s, alice)).toMatchObject({ state: 'terminating' });
        expect(await store.finish(refOf(session), 'none')).toBe('ended');
      } finally {
        await server.admin.config('SET', 'maxmemory', '0');
      }
    });

    /**
     * Reads were answered: the leader was told what is due, condemned those pods, and was refused the step that ends
     * their sessions. They stayed condemned, and whoever came back to one was turned away until changes were taken again.
     */
    it('changes for want of replicas does not say what is due either', async () => {
      const store = await replicas.usable();
      await ready(store, 's');
      await server.admin.config('SET', 'min-replicas-to-write', '1');
      try {
        await expect(store.due(10)).rejects.toThrow(/NOREPLICAS/);
      } finally {
        await server.admin.config('SET', 'min-replicas-to-write', '0');
      }
      expect(await store.due(10)).toMatchObject({ sessions: [] });
    });

    it('changes is told to the log once, and that it takes them again', async () => {
      const logger = new RecordingLogger();
      const store = await replicas.usable({ logger });
      await server.admin.config('SET', 'maxmemory', '1mb');
      try {
        for (const id of ['a', 'b']) await expect(entered(store, id)).rejects.toThrow(StoreUnavailable);
        await store.find(s);
      } finally {
        await server.admin.config('SET', 'maxmemory', '0');
      }
      expect(logger.of('redis.refuses')).toHaveLength(1);
      expect(logger.of('redis.accepts')).toHaveLength(0);
      await opened(store, 'a');
      await opened(store, 'b');
      expect(logger.of('redis.accepts')).toHaveLength(1);
    });

    it('is sent a script that it has forgotten once more, however many ask', async () => {
      const store = await replicas.usable();
      await opened(store, 's');
      await server.admin.script('FLUSH');
      await server.admin.config('RESETSTAT');
      const answers = await Promise.all(Array.from({ length: 50 }, () => entered(store, 's')));
      for (const answer of answers) expect(answer).toMatchObject({ outcome: 'found' });
      expect(await server.admin.info('commandstats')).toMatch(/cmdstat_script\|load:calls=1,/);
    });
  });
});
