import { PassThrough, type Readable } from 'node:stream';

import { proxied } from './answers.js';
import type { BerthClient } from './berth-client.js';
import { eventually } from './eventually.js';
import { eventOf, nextMessage, serverEvents } from './streams.js';

const PATIENCE_MS = 10_000;

/** Something that is open to the pod of a session. */
export interface OpenUse {
  id: string;
  /** The pod answers through it, now. */
  works: () => Promise<void>;
  close: () => void;
}

/** Each opens its session with the demo pod, and then one thing to it, as alice. */
export async function openStream(berth: BerthClient, id: string): Promise<OpenUse> {
  await berth.put(id, { template: 'demo' });
  const { statusCode, body } = await berth.open('GET', proxied(id, '/events'), { as: 'alice' });
  expect(statusCode).toBe(200);
  const stream: Readable = body.on('error', () => undefined);
  let ticks = 0;
  void (async () => {
    const events = serverEvents(stream);
    for (;;) {
      await eventOf(events, 'tick');
      ticks += 1;
    }
  })().catch(() => undefined);
  const works = async (): Promise<void> => {
    const before = ticks;
    await eventually(() => expect(ticks).toBeGreaterThan(before), PATIENCE_MS);
  };
  return { id, works, close: () => void stream.destroy() };
}

/** Nothing is said on it but what `works` says. */
export async function openSocket(berth: BerthClient, id: string): Promise<OpenUse> {
  await berth.put(id, { template: 'demo' });
  const socket = await berth.socket(proxied(id, '/ws'), { as: 'alice' });
  const works = async (): Promise<void> => {
    expect(socket.readyState).toBe(socket.OPEN);
    const answer = nextMessage(socket);
    socket.send('still there?');
    expect(await answer).toBe('still there?');
  };
  return { id, works, close: () => socket.close() };
}

export async function openUpload(berth: BerthClient, id: string): Promise<OpenUse> {
  await berth.put(id, { template: 'demo' });
  const upload = new PassThrough();
  upload.write('begun ');
  const { statusCode, body } = await berth.open('POST', proxied(id, '/upload'), { as: 'alice', body: upload });
  expect(statusCode).toBe(200);
  let received = '';
  body.on('error', () => undefined).setEncoding('utf8');
  body.on('data', (text: string) => (received += text));
  const works = async (): Promise<void> => {
    const before = received.length;
    upload.write('more ');
    await eventually(() => expect(received.length).toBeGreaterThan(before), PATIENCE_MS);
  };
  return { id, works, close: () => void upload.end() };
}
