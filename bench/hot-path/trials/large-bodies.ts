import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import { short } from '../figures.js';
import { residentMbOf } from '../process-cost.js';
import type { Stage } from '../stage.js';
import { berth, type BerthTarget } from '../targets/berth.js';
import type { TrialKind } from './trial.js';

const GIB = 2 ** 30;
const BLOCK = Buffer.alloc(256 * 1_024, 'b');
const STILL_MS = 2_000;
const LOOK_MS = 25;

/** A body of 2 GiB each way, with somebody at the other end who takes nothing for two seconds in the middle. */
export const largeBodies: TrialKind = {
  id: 'large-bodies',
  async run(stage: Stage, isShort: boolean) {
    const ours = await berth({ sessions: 1, settings: stage.settings });
    const bytes = isShort ? GIB / 32 : 2 * GIB;
    await download(ours, bytes / 8);
    await upload(ours, bytes / 8);
    const rows = [await during(ours, 'to the client', () => download(ours, bytes))];
    rows.push(await during(ours, 'to the pod', () => upload(ours, bytes)));
    await ours.stop();
    const head = ['', 'GiB a second while it moved', 'resident before, MB', 'most while it lasted, MB'];
    return {
      title: `A body of ${short(bytes / GIB)} GiB`,
      note: 'The side that receives stands still for two seconds in the middle.',
      table: [head, ...rows],
    };
  },
};

async function during(ours: BerthTarget, name: string, move: () => Promise<number>): Promise<string[]> {
  const before = residentMbOf(ours.pid);
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, residentMbOf(ours.pid))), LOOK_MS);
  const startedMs = performance.now();
  const bytes = await move();
  clearInterval(timer);
  const seconds = (performance.now() - startedMs - STILL_MS) / 1_000;
  return [name, short(bytes / GIB / seconds), before.toFixed(0), most.toFixed(0)];
}

async function download(ours: BerthTarget, bytes: number): Promise<number> {
  const { host, port, path } = ours.way(0, `/endless?bytes=${bytes}`);
  let received = 0;
  let hasStoodStill = false;
  const outgoing = request({ host, port, path, headers: { ...ours.headers } }).end();
  const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    outgoing.on('response', resolve).on('error', reject);
  });
  for await (const piece of response) {
    received += piece.length;
    if (hasStoodStill || received < bytes / 2) continue;
    hasStoodStill = true;
    await pause(STILL_MS);
  }
  if (received !== bytes) throw new Error(`${received} of ${bytes} bytes arrived`);
  return received;
}

async function upload(ours: BerthTarget, bytes: number): Promise<number> {
  const { host, port, path } = ours.way(0, `/swallow?stillAfter=${bytes / 2}&stillMs=${STILL_MS}`);
  const headers = { ...ours.headers, 'content-length': bytes };
  const outgoing = request({ host, port, path, headers, method: 'POST' });
  const answered = new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    outgoing.on('response', resolve).on('error', reject);
  });
  for (let left = bytes; left > 0; left -= BLOCK.length) {
    if (!outgoing.write(BLOCK.subarray(0, left))) await new Promise((resolve) => outgoing.once('drain', resolve));
  }
  outgoing.end();
  let text = '';
  for await (const piece of await answered) text += piece.toString();
  if (Number(text) !== bytes) throw new Error(`${text} of ${bytes} bytes arrived`);
  return bytes;
}
