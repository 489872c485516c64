import { setTimeout as pause } from 'node:timers/promises';

import { ApiClient, type OwnNamespace } from './kubernetes/index.js';

const TRY_AGAIN_MS = 100;

interface Versioned {
  metadata: { resourceVersion: string };
}

export interface Version<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
}

/** A witness: every version of the objects of one kind in a namespace, in their order, as the API server tells them. */
export class ObjectHistory<T extends Versioned> {
  readonly versions: Version<T>[] = [];
  private readonly api: ApiClient;
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();

  private constructor(
    own: OwnNamespace,
    private readonly path: string,
  ) {
    this.api = new ApiClient(own.adminKubeconfig);
  }

  static async pods<T extends Versioned>(own: OwnNamespace): Promise<ObjectHistory<T>> {
    return new ObjectHistory<T>(own, `/api/v1/namespaces/${own.name}/pods`).start();
  }

  static async leases<T extends Versioned>(own: OwnNamespace): Promise<ObjectHistory<T>> {
    return new ObjectHistory<T>(own, `/apis/coordination.k8s.io/v1/namespaces/${own.name}/leases`).start();
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
    await this.api.close();
  }

  private async start(): Promise<this> {
    const { items, metadata } = await this.api.call<{ items: T[] } & Versioned>(this.path);
    for (const object of items) this.versions.push({ type: 'ADDED', object });
    this.running = this.follow(metadata.resourceVersion);
    return this;
  }

  private async follow(from: string): Promise<void> {
    const { signal } = this.ending;
    for (let version = from; !signal.aborted;) {
      try {
        for await (const seen of this.watch(version)) {
          this.versions.push(seen);
          version = seen.object.metadata.resourceVersion;
        }
      } catch {
        await pause(TRY_AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async *watch(from: string): AsyncGenerator<Version<T>> {
    const path = `${this.path}?watch=1&resourceVersion=${from}`;
    let text = '';
    for await (const chunk of await this.api.stream(path, this.ending.signal)) {
      text += chunk.toString();
      const lines = text.split('\n');
      text = lines.pop()!;
      for (const line of lines) yield known(JSON.parse(line) as Version<T>);
    }
  }
}

function known<T>(event: Version<T>): Version<T> {
  if (['ADDED', 'MODIFIED', 'DELETED'].includes(event.type)) return event;
  throw new Error(`the watch says ${JSON.stringify(event)}`);
}
