import { setTimeout as pause } from 'node:timers/promises';

import type { ApiClient } from './api-client.js';
import type { ApiPod } from './api-pod.js';

const RETRY_MS = 100;
const WATCH_SECONDS = 60;

interface PodList {
  metadata: { resourceVersion: string };
  items: ApiPod[];
}

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: ApiPod;
}

export interface PodFeedHandlers {
  changed(pod: ApiPod): void;
  gone(uid: string): void;
}

/** Every pod of a namespace and every change of it, in spite of whatever happens to the API server. */
export class PodFeed {
  private known = new Set<string>();
  private stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: ApiClient,
    private readonly namespace: string,
    private readonly handlers: PodFeedHandlers,
  ) {}

  start(): void {
    this.stopping = new AbortController();
    this.running = this.follow(this.stopping.signal);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private get path(): string {
    return `/api/v1/namespaces/${this.namespace}/pods`;
  }

  private async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        let version: string | undefined = await this.list(signal);
        while (version !== undefined && !signal.aborted) version = await this.watch(version, signal);
      } catch {
        // The API server is away, or forgot what there was: look again.
        await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async list(signal: AbortSignal): Promise<string> {
    const { metadata, items } = await this.client.call<PodList>(this.path, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    });
    const there = new Set(items.map((pod) => pod.metadata.uid));
    for (const uid of [...this.known].filter((one) => !there.has(one))) this.forget(uid);
    for (const pod of items) this.take(pod);
    return metadata.resourceVersion;
  }

  /** The version to go on from; undefined: only a list helps. */
  private async watch(from: string, signal: AbortSignal): Promise<string | undefined> {
    const query = `watch=1&allowWatchBookmarks=1&timeoutSeconds=${WATCH_SECONDS}&resourceVersion=${from}`;
    const stream = await this.client.stream(`${this.path}?${query}`, signal);
    let version = from;
    for await (const line of lines(stream)) {
      const { type, object } = JSON.parse(line) as WatchEvent;
      if (type === 'ERROR') return undefined;
      version = object.metadata.resourceVersion;
      if (type === 'DELETED') this.forget(object.metadata.uid);
      else if (type !== 'BOOKMARK') this.take(object);
    }
    return version;
  }

  private take(pod: ApiPod): void {
    this.known.add(pod.metadata.uid);
    this.handlers.changed(pod);
  }

  private forget(uid: string): void {
    this.known.delete(uid);
    this.handlers.gone(uid);
  }
}

async function* lines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop()!;
    yield* parts;
  }
}
