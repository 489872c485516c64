/**
 * What the store costs: how long each script holds Redis up, what is asked of it per request, heartbeat, idle session and
 * replica, what a session takes of memory there and here, and how a reap pass grows. A real Redis with its append-only
 * file, the product's own classes.
 *
 *   npm run bench:store [-- 10000 scripts memory traffic reaping]
 */
import { RedisServer } from '../test/support/redis-server.js';
import { measureMemory } from './store-memory.js';
import { timeReaping } from './store-reaping.js';
import { type Row, timeImport, timeReading, timeScripts } from './store-scripts.js';
import { connected, fill } from './store-stage.js';
import { countTraffic } from './store-traffic.js';

const given = process.argv.slice(2);
const sessions = Number(given.find((word) => /^\d+$/.test(word)) ?? 10_000);
const isAsked = (part: string): boolean => given.every((word) => /^\d+$/.test(word)) || given.includes(part);

function print(title: string, rows: readonly (readonly (string | number)[])[]): void {
  console.log(`\n${title}`);
  for (const row of rows) console.log(row.join(' | '));
}

const timesOf = (rows: readonly Row[]): (string | number)[][] =>
  rows.map(([label, { calls, medianUs, p99Us, mostUs }]) => [label, medianUs, p99Us, mostUs, calls]);

async function scripts(): Promise<void> {
  const server = await RedisServer.start();
  const store = await connected(server);
  const ready = await fill(store, { to: sessions });
  const rows = await timeScripts(server, store, ready);
  print(`a reading of all ${sessions} records | ms`, [[await timeReading(store)]]);
  rows.push(...(await timeImport(server, store, ready)));
  print('script | µs: median | 99th percentile | most | calls', timesOf(rows));
  await store.close();
  await server.remove();
}

async function main(): Promise<void> {
  if (isAsked('scripts')) await scripts();
  if (isAsked('memory')) print(`memory of one session, ${sessions} of them | bytes`, await measureMemory(sessions));
  if (isAsked('traffic')) print('what is asked of Redis | calls', await countTraffic());
  if (isAsked('reaping')) print('reap pass: sessions | due | ms', await timeReaping(sessions));
}

void main().then(() => process.exit(0));
