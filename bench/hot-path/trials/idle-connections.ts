import { type ClientRequest, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { short } from '../figures.js';
import { residentMbOf } from '../process-cost.js';
import type { Stage } from '../stage.js';
import { berth, type BerthTarget } from '../targets/berth.js';
import type { TrialKind } from './trial.js';

const AT_ONCE = 50;
const SETTLE_MS = 3_000;

/** What 2,000 WebSockets and 2,000 event streams cost one replica on which nothing moves. */
export const idleConnections: TrialKind = {
  id: 'idle-connections',
  async run(stage: Stage, isShort: boolean) {
    const count = isShort ? 50 : 2_000;
    const ours = await berth({ sessions: 4, settings: stage.settings });
    const rows: string[][] = [];
    const closers = await openAll(ours, count, openSocket, 'WebSockets', rows);
    closers.push(...(await openAll(ours, count, openStream, 'event streams', rows)));
    for (const close of closers) close();
    await ours.stop();
    const head = ['', 'resident before, MB', 'after, MB', 'KB for each'];
    return {
      title: `${count} idle WebSockets and ${count} idle event streams`,
      note: 'Each has a connection on both sides. The replica is what is measured; collections of garbage come when they come.',
      table: [head, ...rows],
    };
  },
};

type Opener = (ours: BerthTarget, at: number) => Promise<() => void>;

async function openAll(ours: BerthTarget, count: number, open: Opener, name: string, rows: string[][]) {
  const closers: (() => void)[] = [];
  const before = residentMbOf(ours.pid);
  for (let at = 0; at < count; at += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, more) => open(ours, at + more));
    closers.push(...(await Promise.all(some)));
  }
  await pause(SETTLE_MS);
  const after = residentMbOf(ours.pid);
  rows.push([`${count} ${name}`, before.toFixed(0), after.toFixed(0), short(((after - before) * 1_024) / count)]);
  return closers;
}

async function openSocket(ours: BerthTarget, at: number): Promise<() => void> {
  const { host, port, path } = ours.way(at, '/ws');
  const socket = new WebSocket(`ws://${host}:${port}${path}`, {
    headers: { ...ours.headers },
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return () => socket.on('error', () => undefined).terminate();
}

async function openStream(ours: BerthTarget, at: number): Promise<() => void> {
  const { host, port, path } = ours.way(at, '/events?period=0');
  const outgoing: ClientRequest = request({ host, port, path, headers: { ...ours.headers }, agent: false }).end();
  await new Promise((resolve, reject) => outgoing.once('response', resolve).once('error', reject));
  return () => outgoing.on('error', () => undefined).destroy();
}
