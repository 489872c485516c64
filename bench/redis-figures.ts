import { SCRIPTS } from '../src/lifecycle/store/redis/scripts/session-scripts.js';
import type { RedisServer } from '../test/support/redis-server.js';

/** What the server itself says of the calls that it has answered. */

const NAME_OF = new Map(Object.entries(SCRIPTS).map(([name, { sha }]) => [sha, name]));
/** What the benchmark asks for itself. */
const OWN = new Set(['config|resetstat', 'config|set', 'info', 'slowlog|get', 'slowlog|reset', 'ping', 'script|load']);

export interface Spread {
  calls: number;
  medianUs: number;
  p99Us: number;
  mostUs: number;
}

/** Calls by command, as clients sent them: what a script does inside is not counted here. */
export type Counts = ReadonlyMap<string, number>;

/** The commands inside a script are below it and left out: writing down each of them would take longer than they do. */
const SHORTEST_SCRIPT_US = 8;

/** How long each script took, from the slow log, which counts nothing but the time that the server is held up. */
export async function spreads({ admin }: RedisServer, run: () => Promise<unknown>): Promise<Map<string, Spread>> {
  await admin.config('SET', 'slowlog-max-len', '100000');
  await admin.config('SET', 'slowlog-log-slower-than', String(SHORTEST_SCRIPT_US));
  await admin.slowlog('RESET');
  await run();
  await admin.config('SET', 'slowlog-log-slower-than', '-1');
  const entries = (await admin.slowlog('GET', 100_000)) as [number, number, number, string[]][];
  const times = new Map<string, number[]>();
  for (const [, , us, [command, sha]] of entries) {
    const name = command?.toUpperCase() === 'EVALSHA' ? NAME_OF.get(sha ?? '') : undefined;
    if (name) times.set(name, [...(times.get(name) ?? []), us]);
  }
  return new Map([...times].map(([name, all]) => [name, spreadOf(all)]));
}

function spreadOf(all: number[]): Spread {
  all.sort((one, other) => one - other);
  const at = (part: number): number => all[Math.min(all.length - 1, Math.floor(all.length * part))]!;
  return { calls: all.length, medianUs: at(0.5), p99Us: at(0.99), mostUs: all.at(-1)! };
}

/** What clients asked of the server meanwhile. */
export async function counted(server: RedisServer, run: () => Promise<unknown>): Promise<Counts> {
  const before = await totals(server);
  await run();
  const after = await totals(server);
  const grown = [...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const);
  return new Map(grown.filter(([name, calls]) => calls > 0 && !OWN.has(name)));
}

/** Commands inside scripts are told apart by the server not at all, so only those that no script uses are kept. */
async function totals({ admin }: RedisServer): Promise<Map<string, number>> {
  const told = await admin.info('commandstats');
  const lines = told.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm);
  const BY_CLIENTS = /^(evalsha|subscribe|hello|auth|select|client.*|config.*|function.*|psubscribe)$/;
  return new Map(
    [...lines].map(([, name, calls]) => [name!, Number(calls)] as const).filter(([name]) => BY_CLIENTS.test(name)),
  );
}

export function total(counts: Counts): number {
  return [...counts.values()].reduce((sum, calls) => sum + calls, 0);
}

export async function usedMemory({ admin }: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await admin.info('memory'))![1]);
}
