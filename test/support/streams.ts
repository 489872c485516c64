import { once } from 'node:events';
import type { Readable } from 'node:stream';

import type { WebSocket } from 'ws';

export interface ServerEvent {
  event: string;
  data: string;
}

/** The events of an SSE answer as they come; comments are passed over. */
export async function* serverEvents(stream: Readable): AsyncGenerator<ServerEvent, void> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop()!;
    for (const block of blocks) {
      const field = (name: string): string => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1] ?? '';
      if (field('data') !== '') yield { event: field('event') || 'message', data: field('data') };
    }
  }
}

/** Reads on until one is found; throws when the stream ends before. */
export async function eventOf(events: AsyncGenerator<ServerEvent>, name: string, times = 1): Promise<ServerEvent> {
  let left = times;
  for (;;) {
    const next = await events.next();
    if (next.done) throw new Error(`the stream ended before the event ${name}`);
    if (next.value.event === name && --left === 0) return next.value;
  }
}

const unread = new WeakMap<WebSocket, (string | Buffer)[]>();

/** From the moment a socket is made: its first messages may come together with the answer to the upgrade. */
export function collectMessages(socket: WebSocket): void {
  const messages: (string | Buffer)[] = [];
  unread.set(socket, messages);
  socket.on('message', (data: Buffer, isBinary: boolean) => messages.push(isBinary ? data : data.toString()));
}

/** The first message that was not read yet. */
export async function nextMessage(socket: WebSocket): Promise<string | Buffer> {
  const messages = unread.get(socket)!;
  while (messages.length === 0) await once(socket, 'message');
  return messages.shift()!;
}

export async function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return { code, reason: reason.toString() };
}
