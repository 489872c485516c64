import type { Fleet, LivePod } from './fleet.js';
import type { AuditEvent } from './kubernetes/index.js';
import { ObjectHistory } from './object-history.js';

const MARK = 'berth.dev/condemned';

type SeenPod = LivePod & { metadata: { resourceVersion: string } };

/** What befell the pods of a fleet, by the word of the API server alone: a watch from the start, and its audit log. */
export class PodWitness {
  private constructor(
    private readonly fleet: Fleet,
    private readonly history: ObjectHistory<SeenPod>,
  ) {}

  static async of(fleet: Fleet): Promise<PodWitness> {
    return new PodWitness(fleet, await ObjectHistory.pods<SeenPod>(fleet.own));
  }

  stop(): Promise<void> {
    return this.history.stop();
  }

  /** Names of all pods that a session ever had, the oldest first. */
  podsOf(id: string): string[] {
    return [...new Set(this.versionsOf(id).map(({ metadata }) => metadata.name))];
  }

  /** Pods of a session that were ever condemned or deleted. */
  condemnedOf(id: string): string[] {
    return [
      ...new Set(
        this.versionsOf(id)
          .filter(isCondemned)
          .map(({ metadata }) => metadata.name),
      ),
    ];
  }

  /** Was this pod seen marked and not yet being deleted? */
  wasMarkedFirst(name: string): boolean {
    const versions = this.history.versions.map(({ object }) => object.metadata).filter((pod) => pod.name === name);
    const [first] = versions.filter((pod) => pod.annotations?.[MARK] !== undefined || pod.deletionTimestamp);
    return first !== undefined && first.deletionTimestamp === undefined;
  }

  isGone(name: string): boolean {
    return this.history.versions.some(({ type, object }) => type === 'DELETED' && object.metadata.name === name);
  }

  /** What Berth asked the API server to change of pods since this moment, done or refused. */
  writes(sinceMs = 0): AuditEvent[] {
    const { own } = this.fleet;
    return own.controlPlane
      .auditEvents(own.name)
      .filter(({ objectRef }) => objectRef?.resource === 'pods' && !objectRef.subresource)
      .filter(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp) >= sinceMs);
  }

  /** Names of the pods that Berth deleted, one for each call that was granted. */
  deleted(sinceMs?: number): string[] {
    const granted = this.writes(sinceMs).filter(
      ({ verb, responseStatus }) => verb === 'delete' && isDone(responseStatus),
    );
    return granted.map(({ objectRef }) => objectRef!.name!);
  }

  private versionsOf(id: string): SeenPod[] {
    return this.history.versions
      .map(({ object }) => object)
      .filter(({ metadata }) => metadata.annotations?.['berth.dev/session-id'] === id);
  }
}

function isCondemned({ metadata }: SeenPod): boolean {
  return metadata.annotations?.[MARK] !== undefined || metadata.deletionTimestamp !== undefined;
}

export function isDone(status: AuditEvent['responseStatus']): boolean {
  return status?.code !== undefined && status.code < 300;
}
