import { readFileSync } from 'node:fs';

import type { Settings } from '../../config/settings.schema.js';
import { StartFault } from '../../config/start-fault.js';
import { Clock, pause } from '../../platform/clock.js';
import { Logger } from '../../platform/logger.js';
import { Randomness } from '../../platform/randomness.js';
import { RedisUnfit } from '../../platform/redis/redis-errors.js';
import { parseRedisUrl, type RedisAddress } from '../../platform/redis/redis-address.js';
import type { HeldSecret } from '../../vault/held-secret.js';
import type { Secrets } from '../../vault/secrets.js';
import { MemorySessionStore } from './memory-session-store.js';
import type { RedisSessionStore } from './redis/redis-session-store.js';
import { SessionStore, type StoreLimits } from './session-store.js';

const SECOND = 1_000;
/** A Redis that is away holds up the start no longer than this; it is waited for while the program runs. */
const FIRST_ANSWER_WITHIN_MS = 3_000;

interface Means {
  clock: Clock;
  randomness: Randomness;
  logger: Logger;
  secrets: Pick<Secrets, 'lookAgain'> & { redisPassword: Pick<HeldSecret<string | undefined>, 'value' | 'onChange'> };
}

/** STORE chooses. */
export async function makeStore(settings: Settings, means: Means): Promise<SessionStore> {
  const limits: StoreLimits = {
    maxSessions: settings.MAX_CONCURRENT_SESSIONS,
    maxSessionsPerOwner: settings.MAX_SESSIONS_PER_OWNER,
    startTimeoutMs: settings.POD_CREATION_TIMEOUT * SECOND,
    tombstoneMs: settings.TOMBSTONE_SECONDS * SECOND,
  };
  switch (settings.STORE) {
    case 'memory':
      return new MemorySessionStore(means.clock, means.randomness, limits);
    case 'redis':
      return makeRedisStore(settings, limits, means);
  }
}

async function makeRedisStore(settings: Settings, limits: StoreLimits, means: Means): Promise<SessionStore> {
  const { RedisSessionStore } = await import('./redis/redis-session-store.js');
  // Between reading the password and following it no other one may come.
  const address = redisAddress(settings, means.secrets.redisPassword.value);
  const store = new RedisSessionStore(address, limits, means);
  followPassword(store, means);
  const connected = connect(store, means.logger);
  const unfit = await Promise.race([connected, pause(means.clock, FIRST_ANSWER_WITHIN_MS)]);
  if (unfit) throw new StartFault(unfit.message, { cause: unfit });
  return store;
}

function followPassword(store: RedisSessionStore, { secrets, logger }: Means): void {
  store.onPasswordRefused(() => secrets.lookAgain());
  secrets.redisPassword.onChange((password) => {
    store.changePassword(password).then(
      (isTaken) => isTaken && logger.info({ event: 'redis.password-changed' }, 'Redis takes the new password.'),
      () =>
        logger.warn(
          { event: 'redis.password-refused' },
          'Redis does not take the new password yet; the former one serves until it does.',
        ),
    );
  });
}

/** Answers why the server is of no use. One that turns out so later is told of, and no replica becomes ready. */
function connect(store: RedisSessionStore, logger: Logger): Promise<Error | undefined> {
  return store.connect().then(
    () => undefined,
    (error: Error) => {
      if (!(error instanceof RedisUnfit)) return undefined;
      logger.error({ event: 'store.unfit' }, error.message);
      void store.close();
      return error;
    },
  );
}

function redisAddress(settings: Settings, password: string | undefined): RedisAddress {
  const { REDIS_HOST, REDIS_PORT, REDIS_USERNAME, REDIS_TLS } = settings;
  if (settings.REDIS_URL !== undefined) {
    const address = urlAddress(settings.REDIS_URL);
    return withAuthorities({ ...address, password: password ?? address.password }, settings);
  }
  const who = { username: REDIS_USERNAME, password };
  return withAuthorities({ host: REDIS_HOST ?? '', port: REDIS_PORT, ...who, tls: REDIS_TLS }, settings);
}

function urlAddress(url: string): RedisAddress {
  try {
    return parseRedisUrl(url);
  } catch (error) {
    throw new StartFault(`REDIS_URL cannot be used: ${(error as Error).message}.`);
  }
}

function withAuthorities(address: RedisAddress, { REDIS_CA_PATH }: Settings): RedisAddress {
  if (REDIS_CA_PATH === undefined || !address.tls) return address;
  try {
    return { ...address, tls: { ca: readFileSync(REDIS_CA_PATH, 'utf8') } };
  } catch (error) {
    throw new StartFault(`REDIS_CA_PATH cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
