import { PassThrough } from 'node:stream';

import type { Query } from '../../src/platform/kubernetes/kubernetes-client.js';
import { KubernetesError } from '../../src/platform/kubernetes/kubernetes-errors.js';
import { ObjectWatch, type WatchClient } from '../../src/platform/kubernetes/object-watch.js';
import { FakeClock } from './fake-clock.js';
import { FakeRandomness } from './fake-randomness.js';
import { RecordingLogger } from './recording-logger.js';

export interface Thing {
  metadata: { uid: string; name: string; resourceVersion: string };
}

export const thing = (name: string, version: number | string = 1, uid = `uid-${name}`): Thing => ({
  metadata: { uid, name, resourceVersion: String(version) },
});

/** An API server that answers as the test says; without a word it lists what it has and opens a silent watch. */
export class FakeServer {
  readonly lists: Query[] = [];
  readonly watches: { query: Query; body: PassThrough; signal: AbortSignal }[] = [];
  things: Thing[] = [];
  version = '10';
  /** In the place of the next answers, in their order. */
  readonly listFaults: (Error | object)[] = [];
  readonly watchFaults: Error[] = [];
  isAway = false;
  onWatch: (body: PassThrough) => void = () => undefined;

  get client(): WatchClient {
    return {
      read: (_path, query) => this.list(query ?? {}) as Promise<never>,
      raw: (_path, query, signal) => this.open(query, signal) as Promise<never>,
    };
  }

  get watch() {
    return this.watches.at(-1)!;
  }

  say(...events: [type: string, object: object][]): void {
    for (const [type, object] of events) this.watch.body.write(`${JSON.stringify({ type, object })}\n`);
  }

  private async list(query: Query): Promise<object> {
    this.lists.push(query);
    await Promise.resolve();
    if (this.isAway) throw new KubernetesError('refused');
    const fault = this.listFaults.shift();
    if (fault instanceof Error) throw fault;
    return fault ?? { metadata: { resourceVersion: this.version }, items: this.things };
  }

  private async open(query: Query, signal: AbortSignal): Promise<PassThrough> {
    await Promise.resolve();
    if (this.isAway) throw new KubernetesError('refused');
    const fault = this.watchFaults.shift();
    if (fault) throw fault;
    const body = new PassThrough();
    signal.addEventListener('abort', () => body.destroy(new Error('aborted')));
    this.watches.push({ query, body, signal });
    this.onWatch(body);
    return body;
  }
}

/** A watch of a fake server, and what it told, in virtual time. */
export class WatchStage {
  readonly clock = new FakeClock();
  readonly server = new FakeServer();
  readonly logger = new RecordingLogger();
  readonly told: string[] = [];
  watch = this.make();

  make(parse?: (raw: unknown) => Thing | undefined, isFailing = false): ObjectWatch<Thing> {
    const handlers = {
      replaced: (all: Thing[]) => void this.told.push(`all: ${all.map(({ metadata }) => metadata.name).join(' ')}`),
      changed: ({ metadata }: Thing) => {
        this.told.push(`changed: ${metadata.name}@${metadata.resourceVersion}`);
        if (isFailing) throw new Error('the handler fails as the test wants it');
      },
      gone: ({ metadata }: Thing) => void this.told.push(`gone: ${metadata.name}@${metadata.resourceVersion}`),
    };
    const { clock, logger } = this;
    const watched = { path: '/things', labelSelector: 'a=b', parse };
    this.watch = new ObjectWatch(this.server.client, watched, handlers, {
      clock,
      randomness: new FakeRandomness(),
      logger,
    });
    return this.watch;
  }

  /** Up to the first open watch. */
  async following(...things: Thing[]): Promise<void> {
    this.server.things = things;
    this.watch.start();
    await this.clock.advance(0);
    this.told.length = 0;
  }

  /** What is left open after that. */
  async close(): Promise<{ timers: number; watches: number }> {
    await this.watch.stop();
    const open = this.server.watches.filter(({ body }) => !body.destroyed);
    return { timers: this.clock.pendingTimers, watches: open.length };
  }
}
