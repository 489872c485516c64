import { podName, sessionHash } from '../../src/lifecycle/runtime/pod-name.js';
import { sessionId } from './openings.js';
import type { Fleet, LivePod } from './fleet.js';

type Patch = Record<string, string | null>;

interface Disguise {
  generation?: number;
  annotations?: Patch;
}

/** Pods that somebody made or changed by hand, as admin. */
export class PodsInDisguise {
  constructor(private readonly fleet: Fleet) {}

  /** A pod that looks like one that Berth made for this session and generation: it is made like that of `model`. */
  async make(model: string, id: string, { generation = 1, annotations = {} }: Disguise = {}): Promise<string> {
    const name = podName(sessionId(id), generation);
    const { metadata, spec } = await this.fleet.api.call<LivePod & { spec: Record<string, unknown> }>(
      this.path((await this.fleet.podOf(model)).metadata.name),
    );
    const own = {
      labels: {
        'berth.dev/session': sessionHash(sessionId(id)),
        'session-id': id,
        'berth.dev/generation': `${generation}`,
      },
      annotations: { 'berth.dev/session-id': id, 'berth.dev/generation': `${generation}`, ...annotations },
    };
    const body = {
      metadata: {
        name,
        labels: { ...metadata.labels, ...own.labels },
        annotations: { ...metadata.annotations, ...own.annotations },
      },
      spec: { ...spec, nodeName: undefined },
    };
    await this.fleet.api.call(this.path(), { method: 'POST', body });
    return name;
  }

  async annotate(name: string, annotations: Patch): Promise<void> {
    const contentType = 'application/merge-patch+json';
    await this.fleet.api.call(this.path(name), { method: 'PATCH', body: { metadata: { annotations } }, contentType });
  }

  async delete(name: string): Promise<void> {
    await this.fleet.api.call(this.path(name), { method: 'DELETE' });
  }

  private path(name = ''): string {
    return `/api/v1/namespaces/${this.fleet.own.name}/pods/${name}`;
  }
}
