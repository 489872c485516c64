import { SystemClock } from '../src/platform/clock.js';
import { SystemRandomness } from '../src/platform/randomness.js';
import { RedisSessionStore } from '../src/lifecycle/store/redis/redis-session-store.js';
import { refOf } from '../src/lifecycle/store/session-store.js';
import type { Pod } from '../src/lifecycle/runtime/pod.js';
import type { Session } from '../src/lifecycle/session.js';
import { caller, opening, sessionId } from '../test/support/openings.js';
import { podOf } from '../test/support/pods.js';
import type { RedisServer } from '../test/support/redis-server.js';
import { SilentLogger } from '../test/support/silent-logger.js';

const AT_ONCE = 64;

export const MEANS = { clock: new SystemClock(), randomness: new SystemRandomness(), logger: new SilentLogger() };
const LIMITS = { maxSessions: 1_000_000, maxSessionsPerOwner: 0, startTimeoutMs: 600_000, tombstoneMs: 600_000 };

export async function connected(server: Pick<RedisServer, 'address'>): Promise<RedisSessionStore> {
  const store = new RedisSessionStore(server.address, LIMITS, MEANS);
  await store.connect();
  const token = await store.beginImport();
  if (token !== 'not-needed') await store.finishImport(token, new Set());
  return store;
}

export interface Ready {
  session: Session;
  pod: Pod;
}

export interface Filling {
  from?: number;
  to: number;
  idleTimeoutMs?: number;
  prefix?: string;
  owner?: (at: number) => string;
  /** Gives each its pod, which is ready; else there is nothing behind the record. */
  podFor?: (session: Session) => Promise<Pod>;
}

export const ownerOf = (at: number): string => `https://issuer.example|user-${at % 1_000}`;

let fillings = 0;

/** Sessions that requests can reach, each with an address of its own. */
export async function fill(store: RedisSessionStore, filling: Filling): Promise<Ready[]> {
  const { from = 0, to, idleTimeoutMs = 600_000, prefix = 'bench', owner = ownerOf } = filling;
  const made: Ready[] = [];
  const port = 8_080 + (fillings += 1);
  const nowhere = (session: Session, at: number): Pod => {
    const address = `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}:${port}`;
    return podOf(session, { phase: 'ready', address });
  };
  await inParallel(from, to, async (at) => {
    const id = sessionId(`${prefix}-${at}`);
    const entered = await store.enter(id, caller(owner(at)), opening({ idleTimeoutMs }));
    if (typeof entered === 'string') throw new Error(`${id} was refused: ${entered}`);
    const pod = (await filling.podFor?.(entered.session)) ?? nowhere(entered.session, at);
    const ref = refOf(entered.session);
    await store.namePod(ref, pod);
    if ((await store.markReady({ ...ref, uid: pod.uid }, pod.address!)) !== 'ready')
      throw new Error(`${id} is not ready`);
    made.push({ session: (await store.find(id))!, pod });
  });
  return made;
}

export async function inParallel(from: number, to: number, one: (at: number) => Promise<unknown>): Promise<void> {
  let next = from;
  const work = async (): Promise<void> => {
    for (let at = next++; at < to; at = next++) await one(at);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

export function pauseMs(ms: number): Promise<void> {
  return new Promise((go) => setTimeout(go, ms));
}
