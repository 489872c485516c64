import { setTimeout as pause } from 'node:timers/promises';

import { proxied } from './answers.js';
import type { BerthClient } from './berth-client.js';
import { closeOf, nextMessage, serverEvents } from './streams.js';

const TALK_EVERY_MS = 100;
/** For the other side to answer the close. */
const GOODBYE_LIMIT_MS = 10_000;
const DONE = 'done';

/** One event stream or WebSocket, from its opening to its end. */
export interface OneStream {
  kind: 'events' | 'socket';
  openedAtMs: number;
  /** After which its client had no more use for it. */
  lifeMs: number;
  endedAtMs: number;
  /** `done`: its client ended it; else what its client saw instead. */
  outcome: string;
}

export interface StreamTrafficOptions {
  client: BerthClient;
  /** Sessions of alice with the demo pod. */
  ids: readonly string[];
  /** Another one is opened after so long, or when the one before has ended where only one is wanted at a time. */
  everyMs: number | 'one at a time';
  lifeMs: () => number;
}

/** Event streams and WebSockets, in turn, opened and closed all the time; each sees to it that nothing of it is lost. */
export class StreamTraffic {
  private readonly ended: OneStream[] = [];
  private readonly open = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: StreamTrafficOptions) {}

  start(): this {
    running.add(this);
    this.running = this.run();
    return this;
  }

  /** Those that are open are ended by their clients. */
  async stop(): Promise<OneStream[]> {
    running.delete(this);
    this.stopping.abort();
    await this.running;
    await Promise.all(this.open);
    return this.ended;
  }

  private async run(): Promise<void> {
    const { everyMs } = this.options;
    for (let at = 0; !this.stopping.signal.aborted; at += 1) {
      const one = this.useOne(at);
      this.open.add(one);
      void one.finally(() => this.open.delete(one));
      if (everyMs === 'one at a time') await one;
      else await this.pause(everyMs);
    }
  }

  private async useOne(at: number): Promise<void> {
    const { client, ids, lifeMs } = this.options;
    const [kind, life] = [at % 2 ? 'socket' : 'events', lifeMs()] as const;
    const openedAtMs = Date.now();
    const id = ids[at % ids.length]!;
    const use = kind === 'socket' ? this.talk(client, id, life) : this.listen(client, id, life);
    const outcome = await use.catch((error: unknown) => String(error));
    this.ended.push({ kind, openedAtMs, lifeMs: life, endedAtMs: Date.now(), outcome });
  }

  /** Each tick has to come, and after the one before. */
  private async listen(client: BerthClient, id: string, lifeMs: number): Promise<string> {
    const { statusCode, body } = await client.open('GET', proxied(id, '/events'), { as: 'alice' });
    if (statusCode !== 200) return `refused with ${statusCode}: ${await body.text()}`;
    let isOver = false;
    void this.pause(lifeMs).then(() => {
      isOver = true;
      body.on('error', () => undefined).destroy();
    });
    let seen = 0;
    try {
      for await (const { data } of serverEvents(body)) {
        const { tick } = JSON.parse(data) as { tick: number };
        seen += 1;
        if (tick !== seen) return `tick ${tick} came where ${seen} was due`;
      }
    } catch (error) {
      return isOver ? DONE : `broken off: ${String(error)}`;
    }
    return isOver ? DONE : 'ended as if it were whole';
  }

  /** Each word has to be answered, with itself. */
  private async talk(client: BerthClient, id: string, lifeMs: number): Promise<string> {
    const socket = await client.socket(proxied(id, '/ws'), { as: 'alice' });
    let fault = '';
    socket.on('error', (error) => (fault = String(error)));
    const closed = closeOf(socket).then(({ code, reason }) => `closed with ${code} ${reason} ${fault}`.trim());
    const untilMs = performance.now() + lifeMs;
    for (let said = 1; performance.now() < untilMs && !this.stopping.signal.aborted; said += 1) {
      socket.send(String(said));
      const answer = await Promise.race([closed, nextMessage(socket)]);
      if (answer !== String(said)) return String(answer);
      const isClosed = await Promise.race([closed, this.pause(TALK_EVERY_MS)]);
      if (isClosed !== undefined) return isClosed;
    }
    socket.close(4000, 'done');
    const late = setTimeout(() => socket.terminate(), GOODBYE_LIMIT_MS);
    const goodbye = await closed;
    clearTimeout(late);
    return goodbye === 'closed with 4000 done' ? DONE : goodbye;
  }

  private async pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}

export function cutShort(streams: readonly OneStream[]): OneStream[] {
  return streams.filter(({ outcome }) => outcome !== DONE);
}

/** A test that failed did not come to stop its own. */
const running = new Set<StreamTraffic>();
afterAll(() => Promise.all([...running].map((traffic) => traffic.stop())));
