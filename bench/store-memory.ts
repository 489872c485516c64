import { InUse } from '../src/lifecycle/admission/in-use.js';
import { DirectoryRefresh } from '../src/lifecycle/view/directory-refresh.js';
import { SessionDirectory } from '../src/lifecycle/view/session-directory.js';
import { RedisServer } from '../test/support/redis-server.js';
import { usedMemory } from './redis-figures.js';
import { connected, fill, MEANS, ownerOf, pauseMs } from './store-stage.js';

/** Redis keeps a hash in less space as long as no value of it is longer than 64 characters. */
const OWNERS: readonly (readonly [string, (at: number) => string])[] = [
  ['owner of 33 characters', ownerOf],
  ['owner of 80 characters', (at) => `https://${'i'.repeat(52)}.example|${String(at % 1_000).padStart(11, '0')}`],
];

type MemoryRow = readonly [string, string];

/** What one ready session takes, in Redis and in the heap of a replica that knows it. */
export async function measureMemory(sessions: number): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const [label, owner] of OWNERS) rows.push(...(await memoryOf(sessions, label, owner)));
  return rows;
}

async function memoryOf(sessions: number, label: string, owner: (at: number) => string): Promise<MemoryRow[]> {
  const server = await RedisServer.start();
  const store = await connected(server);
  const empty = await usedMemory(server);
  const made = await fill(store, { to: sessions, owner });
  await pauseMs(1_000);
  const there = ((await usedMemory(server)) - empty) / sessions;
  made.length = 0;
  const before = heapUsed();
  const directory = new SessionDirectory(store);
  await new DirectoryRefresh(store, directory, MEANS.clock).all(new AbortController().signal);
  const known = (heapUsed() - before) / sessions;
  const used = inUseOf(directory);
  const inUse = (heapUsed() - before) / sessions - known;
  if (used.total() !== sessions) throw new Error(`${used.total()} in use`);
  await used.stop();
  await store.close();
  await server.remove();
  return [
    [`Redis, ${label}`, there.toFixed(0)],
    [`a replica that knows it, ${label}`, known.toFixed(0)],
    [`a replica that has it in use, beside that, ${label}`, inUse.toFixed(0)],
  ];
}

function inUseOf(directory: SessionDirectory): InUse {
  const listener = { heard: () => undefined, unheard: () => undefined };
  const store = { touch: () => Promise.resolve([]) } as never;
  const inUse = new InUse(store, directory, MEANS.clock, listener, MEANS.logger);
  for (const session of directory.all()) {
    inUse.touched(session, MEANS.clock.monotonicMs());
    inUse.begin(session, 'request');
  }
  return inUse;
}

function heapUsed(): number {
  globalThis.gc!();
  globalThis.gc!();
  return process.memoryUsage().heapUsed;
}
