import { RedisServer, withRedis } from '../support/redis-server.js';
import { AGED_TIME, redisHarness } from './redis-harness.js';
import { sessionStoreContract } from './session-store.contract.js';

withRedis(() => {
  let server: RedisServer;
  beforeAll(async () => void (server = await RedisServer.start()));
  afterAll(() => server.remove());

  sessionStoreContract(
    'the Redis session store',
    redisHarness(() => server),
    AGED_TIME,
  );
});
