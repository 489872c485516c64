import { eventually } from '../eventually.js';
import { ApiClient, type Json } from './api-client.js';
import type { ApiPod } from './api-pod.js';
import type { OwnNamespace } from './own-namespace.js';
import { restrictedPod } from './pods.js';

const LIMIT_MS = 10_000;
const HEALTH = { httpGet: { path: '/health', port: 8080 }, periodSeconds: 1 };

/** The bundled application, as the container of a pod. */
export const APPLICATION = {
  env: [
    { name: 'PORT', value: '8080' },
    { name: 'SESSION_ID', value: 'alice' },
  ],
  startupProbe: { ...HEALTH, failureThreshold: 30 },
  readinessProbe: { ...HEALTH, failureThreshold: 3 },
};

export interface ShownPod extends Omit<ApiPod, 'status'> {
  status: {
    phase: string;
    podIP?: string;
    hostIP?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime: string }[];
    containerStatuses?: { state: Json; lastState: Json; restartCount: number; containerID?: string }[];
  };
}

export interface ShownEvent {
  type: string;
  reason: string;
  message: string;
}

let made = 0;

/** Pods made and looked at by hand, as the user that Berth is. */
export class PodsByHand {
  readonly admin: ApiClient;
  readonly berth: ApiClient;

  constructor(private readonly own: OwnNamespace) {
    this.admin = new ApiClient(own.adminKubeconfig);
    this.berth = new ApiClient(own.berthKubeconfig);
  }

  async close(): Promise<void> {
    await Promise.all([this.admin.close(), this.berth.close()]);
  }

  newName(): string {
    return `pod-${++made}`;
  }

  path(name = ''): string {
    return `/api/v1/namespaces/${this.own.name}/pods/${name}`;
  }

  async make(name = this.newName(), container: object = APPLICATION, spec: object = {}): Promise<string> {
    await this.berth.call(this.path(), { method: 'POST', body: restrictedPod(name, { container, spec }) });
    return name;
  }

  /** A ready one. */
  async makeReady(): Promise<string> {
    const name = await this.make();
    await this.ready(name);
    return name;
  }

  get(name: string): Promise<ShownPod> {
    return this.berth.call(this.path(name));
  }

  async delete(name: string): Promise<void> {
    await this.berth.call(this.path(name), { method: 'DELETE' });
  }

  shown(name: string, status: object): Promise<ShownPod> {
    return eventually(async () => {
      const pod = await this.get(name);
      expect(pod).toMatchObject({ status });
      return pod;
    }, LIMIT_MS);
  }

  ready(name: string): Promise<ShownPod> {
    return this.shown(name, { phase: 'Running', containerStatuses: [{ ready: true }] });
  }

  gone(name: string): Promise<void> {
    return eventually(() => expect(this.get(name)).rejects.toMatchObject({ status: 404 }), LIMIT_MS);
  }

  async eventsOf(name: string): Promise<ShownEvent[]> {
    const query = `fieldSelector=involvedObject.name%3D${name}`;
    const path = `/api/v1/namespaces/${this.own.name}/events?${query}`;
    return (await this.berth.call<{ items: ShownEvent[] }>(path)).items;
  }
}

/** `False ContainersNotReady` and the like, by type. */
export function conditionsOf({ status }: ShownPod): Record<string, string> {
  const shown = (status.conditions ?? []).map(({ type, status: is, reason }) => [
    type,
    reason ? `${is} ${reason}` : is,
  ]);
  return Object.fromEntries(shown) as Record<string, string>;
}
