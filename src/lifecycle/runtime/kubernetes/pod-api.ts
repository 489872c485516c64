import type { KubernetesClient, Query } from '../../../platform/kubernetes/kubernetes-client.js';
import { asKubernetesError } from '../../../platform/kubernetes/kubernetes-errors.js';
import { OURS } from './pod-metadata.js';
import type { Moment, PodObject } from './pod-object.js';

/** The part of a pod's metadata that a change may touch; null takes a key away. */
export interface MetadataChange {
  labels?: Readonly<Record<string, string | null>>;
  annotations?: Readonly<Record<string, string | null>>;
}

export interface EventObject {
  reason?: string;
  message?: string;
  lastTimestamp?: Moment | null;
  eventTime?: Moment | null;
  series?: { lastObservedTime?: Moment | null };
  metadata?: { creationTimestamp?: Moment };
}

interface Page<T> {
  metadata?: { continue?: string };
  items?: readonly T[] | null;
}

/** The pod that a change is meant for, as it was seen. */
export interface Precondition {
  name: string;
  uid: string;
  revision: string;
}

const PAGE_SIZE = 500;
const MOST_EVENTS = 100;
/** The moment that a list began at is no longer kept: it has to begin anew. */
const EXPIRED = 410;
const MOST_LISTS = 3;
const LONGEST_LOG_READ_MS = 3_000;

/**
 * Pods of one namespace over HTTP, as JSON. What a template says goes to the API server as it stands, which refuses the
 * fields that it does not know (strict field validation). Every call may throw a KubernetesError.
 */
export class PodApi {
  readonly path: string;

  constructor(private readonly client: Pick<KubernetesClient, 'namespace' | 'read' | 'write' | 'raw'>) {
    this.path = `/api/v1/namespaces/${client.namespace}/pods`;
  }

  create(manifest: object): Promise<PodObject> {
    return this.client.write(this.path, { method: 'POST', body: manifest }, { fieldValidation: 'Strict' });
  }

  /** A merge patch: what it does not name stays, also what this program has never heard of. */
  patch({ name, uid, revision }: Precondition, change: MetadataChange): Promise<PodObject> {
    const metadata = { uid, resourceVersion: revision, ...change };
    return this.client.write(`${this.path}/${name}`, { method: 'PATCH', body: { metadata } });
  }

  async delete({ name, uid, revision }: Precondition): Promise<void> {
    const preconditions = { uid, resourceVersion: revision };
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions };
    await this.client.write(`${this.path}/${name}`, { method: 'DELETE', body });
  }

  get(name: string): Promise<PodObject> {
    return this.client.read(`${this.path}/${name}`);
  }

  /** All of Berth's pods at one moment of the store behind the API server: no cache answers, for no version is named. */
  async list(): Promise<PodObject[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.listPages();
      } catch (error) {
        if (asKubernetesError(error).status !== EXPIRED || tries === MOST_LISTS) throw error;
      }
    }
  }

  async warnings(uid: string): Promise<readonly EventObject[]> {
    const fieldSelector = `involvedObject.uid=${uid},type=Warning`;
    const path = `/api/v1/namespaces/${this.client.namespace}/events`;
    return (await this.client.read<Page<EventObject>>(path, { fieldSelector, limit: MOST_EVENTS })).items ?? [];
  }

  log(name: string, query: Query, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.client.raw(`${this.path}/${name}/log`, query, signal);
  }

  /** A piece of a log, all of it within a deadline. */
  async logText(name: string, query: Query): Promise<string> {
    const pieces: Uint8Array[] = [];
    try {
      for await (const piece of await this.log(name, query, AbortSignal.timeout(LONGEST_LOG_READ_MS)))
        pieces.push(piece);
    } catch (error) {
      throw asKubernetesError(error);
    }
    return Buffer.concat(pieces).toString();
  }

  private async listPages(): Promise<PodObject[]> {
    const found: PodObject[] = [];
    let more: string | undefined;
    do {
      const query: Query = { labelSelector: OURS, limit: PAGE_SIZE, continue: more };
      const page = await this.client.read<Page<PodObject>>(this.path, query);
      found.push(...(page.items ?? []));
      more = page.metadata?.continue;
    } while (more);
    return found;
  }
}
