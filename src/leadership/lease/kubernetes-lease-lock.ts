import type { KubernetesClient } from '../../platform/kubernetes/kubernetes-client.js';
import { asKubernetesError } from '../../platform/kubernetes/kubernetes-errors.js';
import { ObjectWatch, type ObjectWatchOptions } from '../../platform/kubernetes/object-watch.js';
import type { Lease, LeaseLock, LeaseWatch } from './lease-lock.js';
import { type LeaseRecord, type LeaseSpec, toRecord, toSpec } from './lease-record.js';

interface LeaseObject {
  metadata: { resourceVersion: string };
  spec?: LeaseSpec;
}

interface KubernetesLease extends Lease {
  /** Sent back with every update: what others wrote there stays. */
  metadata: LeaseObject['metadata'];
}

/** One Lease object, by name. Every write rests on the resourceVersion of what was read. */
export class KubernetesLeaseLock implements LeaseLock {
  private readonly api: Pick<KubernetesClient, 'read' | 'write'>;
  private readonly leases: string;

  constructor(
    private readonly client: Pick<KubernetesClient, 'namespace' | 'within' | 'read' | 'raw'>,
    private readonly name: string,
    /** For each call: half the renew deadline leaves time for another one when one stalls. */
    deadlineMs: number,
    private readonly watching: ObjectWatchOptions,
  ) {
    this.api = client.within(deadlineMs);
    this.leases = `/apis/coordination.k8s.io/v1/namespaces/${client.namespace}/leases`;
  }

  async get(): Promise<Lease | undefined> {
    return unless(404, undefined, this.api.read<LeaseObject>(this.path).then(toLease));
  }

  async create(record: LeaseRecord): Promise<Lease | 'conflict'> {
    const body = { metadata: { name: this.name }, spec: toSpec(record) };
    const creating = this.api.write<LeaseObject>(this.leases, { method: 'POST', body });
    return unless(409, 'conflict', creating.then(toLease));
  }

  async update(lease: Lease, record: LeaseRecord): Promise<Lease | 'conflict'> {
    const { metadata } = lease as KubernetesLease;
    const body = { metadata, spec: toSpec(record) };
    const updating = this.api.write<LeaseObject>(this.path, { method: 'PUT', body });
    return unless(404, 'conflict', unless(409, 'conflict', updating.then(toLease)));
  }

  watch(changed: (lease: Lease | undefined) => void): LeaseWatch {
    const watched = {
      path: this.leases,
      fieldSelector: `metadata.name=${this.name}`,
      parse: (raw: unknown) => toLease(raw as LeaseObject),
    };
    const handlers = {
      replaced: ([lease]: Lease[]) => changed(lease),
      changed,
      gone: () => changed(undefined),
    };
    return new ObjectWatch(this.client, watched, handlers, this.watching);
  }

  private get path(): string {
    return `${this.leases}/${this.name}`;
  }
}

function toLease({ metadata, spec }: LeaseObject): KubernetesLease {
  return { record: toRecord(spec), version: metadata.resourceVersion, metadata };
}

async function unless<T, const U>(status: number, answer: U, call: Promise<T>): Promise<T | U> {
  try {
    return await call;
  } catch (error) {
    const known = asKubernetesError(error);
    if (known.status === status) return answer;
    throw known;
  }
}
