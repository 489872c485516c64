import type { RedisSessionStore } from '../src/lifecycle/store/redis/redis-session-store.js';
import { refOf, type Touch } from '../src/lifecycle/store/session-store.js';
import { caller, opening, sessionId } from '../test/support/openings.js';
import { podOf } from '../test/support/pods.js';
import type { RedisServer } from '../test/support/redis-server.js';
import { spreads, type Spread } from './redis-figures.js';
import { ownerOf, type Ready } from './store-stage.js';

const ROUNDS = 500;

export type Row = readonly [string, Spread];

/** How long each script holds the server up, with `ready` standing in it. One call at a time: none waits for another. */
export async function timeScripts(server: RedisServer, store: RedisSessionStore, ready: Ready[]): Promise<Row[]> {
  const rows: Row[] = [];
  const measure = async (label: string, name: string, run: () => Promise<unknown>): Promise<void> => {
    const spread = (await spreads(server, run)).get(name);
    if (spread) rows.push([label, spread]);
  };
  const each = (one: (it: Ready, at: number) => Promise<unknown>) => async (): Promise<void> => {
    for (let at = 0; at < ROUNDS; at += 1) await one(ready[(at * 17) % ready.length]!, at);
  };
  await measure(
    'enter that touches',
    'enter',
    each(({ session }) => enter(store, session.id, session.owner)),
  );
  await measure(
    'find',
    'find',
    each(({ session }) => store.find(session.id)),
  );
  await measure(
    'touch of one session',
    'touch',
    each(({ session }) => store.touch([touchOf({ session })])),
  );
  await measure('touch of a thousand, each step', 'touch', async () => {
    for (let round = 0; round < 20; round += 1) await store.touch(ready.slice(0, 1_000).map(touchOf));
  });
  await measure(
    'isNamed',
    'isNamed',
    each(({ pod }) => store.isNamed(pod)),
  );
  await measure(
    'reap of one that is not due',
    'reap',
    each(({ session }) => store.reap(refOf(session))),
  );
  await measure(
    'due with nothing due',
    'due',
    each(() => store.due(100)),
  );
  await measure(
    'tally',
    'tally',
    each(() => store.tally()),
  );
  await measure(
    'list of a hundred, each step',
    'list',
    each(() => store.list({ limit: 100 })),
  );
  await measure('list of all, each step', 'list', () => listAll(store));
  await timeLives(store, measure);
  return rows;
}

type Measure = (label: string, name: string, run: () => Promise<unknown>) => Promise<void>;

/** From opening to tombstone, 500 of them side by side with the others. */
async function timeLives(store: RedisSessionStore, measure: Measure): Promise<void> {
  const ids = Array.from({ length: ROUNDS }, (_, at) => sessionId(`life-${at}`));
  const forEach = (one: (id: (typeof ids)[number], at: number) => Promise<unknown>) => async (): Promise<void> => {
    for (const [at, id] of ids.entries()) await one(id, at);
  };
  const truth = async (id: (typeof ids)[number]) => (await store.find(id))!;
  const death = { reason: 'Evicted', message: 'the node was drained', atMs: 0, crashed: false };
  await measure(
    'enter that opens',
    'enter',
    forEach((id, at) => enter(store, id, ownerOf(at))),
  );
  await measure(
    'tryStart',
    'tryStart',
    forEach(async (id) => store.tryStart(refOf(await truth(id)))),
  );
  const name = async (id: (typeof ids)[number]) => store.namePod(refOf(await truth(id)), podOf(await truth(id)));
  await measure('namePod', 'namePod', forEach(name));
  await measure(
    'markReady',
    'markReady',
    forEach(async (id, at) => store.markReady(refOf(await truth(id)), `h${at}:1`)),
  );
  await measure(
    'change',
    'change',
    forEach((id, at) => store.change(id, caller(ownerOf(at)), { maxLifetimeMs: 5 })),
  );
  await measure(
    'postpone',
    'postpone',
    forEach(async (id) => store.postpone(refOf(await truth(id)), 1_000)),
  );
  await measure(
    'replace',
    'replace',
    forEach(async (id) => store.replace(refOf(await truth(id)), death, 0)),
  );
  await measure(
    'fail',
    'fail',
    forEach(async (id) => store.fail(refOf(await truth(id)), death, 1_000)),
  );
  await measure(
    'end',
    'end',
    forEach((id, at) => store.end(id, caller(ownerOf(at)))),
  );
  await measure(
    'due with a page of 25 due',
    'due',
    forEach(() => store.due(25)),
  );
  await measure(
    'finish',
    'finish',
    forEach(async (id) => store.finish(refOf(await truth(id)), 'none')),
  );
}

function enter(store: RedisSessionStore, id: Ready['session']['id'], owner: string): Promise<unknown> {
  return store.enter(id, caller(owner), opening());
}

function touchOf({ session }: Pick<Ready, 'session'>): Touch {
  return { ...refOf(session), requests: 3 };
}

/** A reading of all records, as the leader's reconciliation and a replica that missed something do. */
export async function timeReading(store: RedisSessionStore): Promise<string> {
  const took: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const beganMs = performance.now();
    await listAll(store);
    took.push(performance.now() - beganMs);
  }
  return `${Math.min(...took).toFixed(0)}-${Math.max(...took).toFixed(0)}`;
}

async function listAll(store: RedisSessionStore): Promise<void> {
  let cursor: string | undefined;
  do cursor = (await store.list({ limit: 500, cursor })).next;
  while (cursor !== undefined);
}

/** The steps of an import into a server that has lost its marker and kept its records, as a restart leaves it. */
export async function timeImport(server: RedisServer, store: RedisSessionStore, ready: Ready[]): Promise<Row[]> {
  await server.admin.del('sessions:epoch');
  const living = new Set(ready.map(({ pod }) => pod.uid));
  const times = await spreads(server, async () => {
    const token = await store.beginImport();
    if (token === 'not-needed') throw new Error('the marker is gone');
    for (const { pod } of ready.slice(0, 500)) await store.importPod(token, pod);
    await store.finishImport(token, living);
  });
  const labels = ['importPod', 'noteLiving', 'clearLists', 'relist', 'finishImport'];
  return labels.flatMap((name) => (times.has(name) ? [[`import: ${name}`, times.get(name)!] as const] : []));
}
