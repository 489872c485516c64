import type { V1Lease } from '@kubernetes/client-node';

import type { KubernetesClient } from '../../platform/kubernetes/kubernetes-client.js';
import { asKubernetesError } from '../../platform/kubernetes/kubernetes-errors.js';
import { ObjectWatch, type ObjectWatchOptions } from '../../platform/kubernetes/object-watch.js';
import type { Lease, LeaseLock, LeaseWatch } from './lease-lock.js';
import { type LeaseRecord, toRecord, toSpec } from './lease-record.js';

interface KubernetesLease extends Lease {
  /** Sent back with every update: what others wrote there stays. */
  metadata: V1Lease['metadata'];
}

/** One Lease object, by name. Every write rests on the resourceVersion of what was read. */
export class KubernetesLeaseLock implements LeaseLock {
  private readonly api;

  constructor(
    private readonly client: Pick<KubernetesClient, 'namespace' | 'coordinationWithin' | 'read' | 'raw'>,
    private readonly name: string,
    /** For each call: half the renew deadline leaves time for another one when one stalls. */
    deadlineMs: number,
    private readonly watching: ObjectWatchOptions,
  ) {
    this.api = client.coordinationWithin(deadlineMs);
  }

  async get(): Promise<Lease | undefined> {
    return unless(404, undefined, this.api.readNamespacedLease(this.place).then(toLease));
  }

  async create(record: LeaseRecord): Promise<Lease | 'conflict'> {
    const body = { metadata: { name: this.name }, spec: toSpec(record) };
    const { namespace } = this.place;
    return unless(409, 'conflict', this.api.createNamespacedLease({ namespace, body }).then(toLease));
  }

  async update(lease: Lease, record: LeaseRecord): Promise<Lease | 'conflict'> {
    const { metadata } = lease as KubernetesLease;
    const body = { metadata, spec: toSpec(record) };
    const updating = unless(409, 'conflict', this.api.replaceNamespacedLease({ ...this.place, body }).then(toLease));
    return unless(404, 'conflict', updating);
  }

  watch(changed: (lease: Lease | undefined) => void): LeaseWatch {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${this.client.namespace}/leases`;
    const watched = {
      path,
      fieldSelector: `metadata.name=${this.name}`,
      parse: (raw: unknown) => toLease(raw as V1Lease),
    };
    const handlers = {
      replaced: ([lease]: Lease[]) => changed(lease),
      changed,
      gone: () => changed(undefined),
    };
    return new ObjectWatch(this.client, watched, handlers, this.watching);
  }

  private get place(): { name: string; namespace: string } {
    return { name: this.name, namespace: this.client.namespace };
  }
}

function toLease({ metadata, spec }: V1Lease): KubernetesLease {
  return { record: toRecord(spec), version: metadata?.resourceVersion ?? '', metadata };
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
