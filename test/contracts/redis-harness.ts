import { SystemClock } from '../../src/platform/clock.js';
import type { Logger } from '../../src/platform/logger.js';
import type { RedisAddress } from '../../src/platform/redis/redis-address.js';
import { SystemRandomness } from '../../src/platform/randomness.js';
import { RedisSessionStore } from '../../src/lifecycle/store/redis/redis-session-store.js';
import type { Session } from '../../src/lifecycle/session.js';
import { refOf, type SessionStore, type StoreLimits } from '../../src/lifecycle/store/session-store.js';
import { StoreUnavailable } from '../../src/lifecycle/lifecycle.errors.js';
import { eventually } from '../support/eventually.js';
import { alice, opening, sessionId } from '../support/openings.js';
import { podOf } from '../support/pods.js';
import { Ageing, AgeingStore } from '../support/redis-ageing.js';
import type { RedisServer } from '../support/redis-server.js';
import { SilentLogger } from '../support/silent-logger.js';
import type { MakeStoreHarness, Pace } from './session-store/harness.js';

/**
 * Time is skipped, but what the calls take is real: a margin for that. No whole number of units is the 60 s of a steady
 * pod, the 5 s of a touch window or the 2 s between two tries, so that nothing happens right at a border.
 */
export const AGED_TIME: Pace = {
  unitMs: 7_000,
  marginMs: 800,
  keepsRecordsOverRestart: true,
  longestWaitMs: Infinity,
};

const parts = { clock: new SystemClock(), randomness: new SystemRandomness(), logger: new SilentLogger() };

export async function usable(store: SessionStore): Promise<void> {
  const token = await store.beginImport();
  if (token !== 'not-needed') await store.finishImport(token, new Set());
}

/** Every case on a server of its own would take too long: each gets the one server, empty. */
export function redisHarness(server: () => RedisServer): MakeStoreHarness {
  return async (limits) => {
    const { admin } = server();
    await admin.flushall();
    const ageing = new Ageing(admin);
    const connected: RedisSessionStore[] = [];
    const connect = async (): Promise<SessionStore> => {
      const store = new RedisSessionStore(server().address, limits, parts);
      connected.push(store);
      await store.connect();
      return new AgeingStore(store, ageing);
    };
    const store = await connect();
    await usable(store);
    return {
      store,
      advance: (ms) => ageing.advance(ms),
      loseMemory: async () => void (await admin.flushall()),
      restart: async () => restart(server(), connected),
      secondReplica: connect,
      close: async () => void (await Promise.all(connected.map((one) => one.close()))),
    };
  };
}

/** Asked to stop: a server that is killed while its disk is slow may lack the last seconds, and shows older records. */
async function restart(server: RedisServer, connected: readonly RedisSessionStore[]): Promise<void> {
  await server.stop('SIGTERM');
  await server.startAgain();
  for (const store of connected) await answering(store);
}

/** Whatever it says, it says something. */
export async function answering(store: SessionStore): Promise<void> {
  await eventually(async () => {
    const error: unknown = await store.tally().catch((reason: unknown) => reason);
    expect(error).not.toBeInstanceOf(StoreUnavailable);
  });
}

export const LIMITS: StoreLimits = {
  maxSessions: 100_000,
  maxSessionsPerOwner: 0,
  startTimeoutMs: 60_000,
  tombstoneMs: 60_000,
};

interface Wanted {
  limits?: Partial<StoreLimits>;
  address?: Partial<RedisAddress>;
  logger?: Logger;
  answerWithinMs?: number;
}

/** The stores of one suite, each as a replica has it: closed after every case, whatever came of it. */
export class RedisReplicas {
  private readonly stores: RedisSessionStore[] = [];

  constructor(private readonly server: () => RedisServer) {
    afterEach(async () => {
      for (const store of this.stores.splice(0)) await store.close();
    });
  }

  /** Not connected yet. */
  store({ limits, address, ...own }: Wanted = {}): RedisSessionStore {
    const at = { ...this.server().address, ...address };
    const store = new RedisSessionStore(at, { ...LIMITS, ...limits }, { ...parts, ...own });
    this.stores.push(store);
    return store;
  }

  async connected(wanted?: Wanted): Promise<RedisSessionStore> {
    const store = this.store(wanted);
    await store.connect();
    return store;
  }

  /** On an empty server whose marker is set. */
  async usable(wanted?: Wanted): Promise<RedisSessionStore> {
    await this.server().admin.flushall();
    const store = await this.connected(wanted);
    await usable(store);
    return store;
  }
}

export function entered(store: SessionStore, id: string, by = alice): ReturnType<SessionStore['enter']> {
  return store.enter(sessionId(id), by, opening());
}

export async function opened(store: SessionStore, id: string): Promise<Session> {
  const answer = await entered(store, id);
  if (typeof answer === 'string') throw new Error(`${id} was refused: ${answer}`);
  return answer.session;
}

/** One that requests reach. */
export async function ready(store: SessionStore, id: string, address = `${id}:80`): Promise<Session> {
  const session = await opened(store, id);
  const pod = podOf(session);
  await store.namePod(refOf(session), pod);
  expect(await store.markReady({ ...refOf(session), uid: pod.uid }, address)).toBe('ready');
  return (await store.find(session.id))!;
}
