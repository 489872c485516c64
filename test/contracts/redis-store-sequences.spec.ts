import { RedisServer, withRedis } from '../support/redis-server.js';
import { memoryHarness } from './memory-harness.js';
import { AGED_TIME, redisHarness } from './redis-harness.js';
import { storeSequences } from './store-sequences.js';

withRedis(() => {
  let server: RedisServer;
  beforeAll(async () => void (server = await RedisServer.start()));
  afterAll(() => server.remove());

  const plan = { reference: memoryHarness, pace: AGED_TIME, runs: 100 };
  storeSequences(
    'the Redis session store',
    redisHarness(() => server),
    plan,
  );
});
