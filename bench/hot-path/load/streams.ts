import { request } from 'node:http';

import { type RawData, WebSocket } from 'ws';

import type { EventsJob, MessagesJob } from './job.js';
import { paced } from './schedule.js';
import type { Tally } from './tally.js';

/** Both ends of a message read the same clock. */
const nowNs = (): bigint => process.hrtime.bigint();
const MOMENT = /data: (\d+) /g;

export function events({ ways, headers, streams }: EventsJob, tally: Tally): () => void {
  const asked = Array.from({ length: streams }, (_, at) => {
    const { host, port, path } = ways[at % ways.length]!;
    const outgoing = request({ host, port, path, headers: { ...headers }, agent: false });
    outgoing.on('response', (response) => {
      if (response.statusCode !== 200) tally.fail();
      response.setEncoding('latin1').on('data', (text: string) => {
        const arrivedNs = nowNs();
        for (const [, sentNs] of text.matchAll(MOMENT)) tally.took(Number(arrivedNs - BigInt(sentNs!)) / 1e6);
      });
      response.on('error', () => tally.fail());
    });
    outgoing.on('error', () => tally.fail()).end();
    return outgoing;
  });
  return () => {
    for (const outgoing of asked) outgoing.on('error', () => undefined).destroy();
  };
}

export function messages({ ways, headers, sockets, rate, bytes }: MessagesJob, tally: Tally): () => void {
  const padding = ' '.repeat(Math.max(bytes - 16, 1));
  const open = Array.from({ length: sockets }, (_, at) => {
    const { host, port, path } = ways[at % ways.length]!;
    const socket = new WebSocket(`ws://${host}:${port}${path}`, { headers: { ...headers }, perMessageDeflate: false });
    socket.on('message', (data: RawData) => tally.took(performance.now() - parseFloat((data as Buffer).toString())));
    return socket.on('error', () => tally.fail());
  });
  let turn = 0;
  const stop = paced(rate, (dueMs) => {
    const socket = open[turn++ % open.length]!;
    if (socket.readyState === WebSocket.OPEN) socket.send(`${dueMs.toFixed(3)}${padding}`);
    else tally.fail();
  });
  return () => {
    stop();
    for (const socket of open) socket.on('error', () => undefined).terminate();
  };
}
