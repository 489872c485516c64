import type { Pod } from '../pod.js';
import { lastUsedAtMs, LABEL, markedUntilMs, standingOf } from './pod-metadata.js';
import { msOf, type PodObject } from './pod-object.js';
import { healthOf, type KnownOfPod, podStatus, runOf } from './pod-status.js';

/**
 * The pod as the port shows it. One that cannot be believed is shown without assignment and as of no template: it serves
 * nobody, is never claimed, and can be condemned like any other.
 */
export function podOf(object: PodObject, known: KnownOfPod): Pod {
  const { name = '', uid = '', resourceVersion = '', labels = {}, ...metadata } = object.metadata ?? {};
  const standing = standingOf(object.metadata ?? {});
  const isBelieved = standing !== 'unbelievable';
  return {
    name,
    uid,
    revision: resourceVersion,
    template: isBelieved ? (labels[LABEL.template] ?? '') : '',
    templateHash: isBelieved ? (labels[LABEL.templateHash] ?? '') : '',
    ...(isBelieved && standing.assignment && { assignment: standing.assignment }),
    ...podStatus(object, known),
    ...placeOf(object),
    restarts: runOf(object),
    ...present({ markedUntilMs: markedUntilMs(object.metadata ?? {}) }),
    deleting: metadata.deletionTimestamp !== undefined,
    createdAtMs: msOf(metadata.creationTimestamp) ?? 0,
    ...present({ lastUsedAtMs: lastUsedAtMs(object.metadata ?? {}) }),
    wasWarm: isBelieved && standing.wasWarm,
  };
}

/** Every other pod is assigned, or waits to be. */
export function isBelieved({ assignment, wasWarm }: Pod): boolean {
  return assignment !== undefined || wasWarm;
}

/** `address:port` as it stands in a URL; undefined: it has none yet. */
export function addressOf(object: PodObject): string | undefined {
  const [host, port] = [object.status?.podIP, healthOf(object)?.port];
  if (!host || port === undefined) return undefined;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function placeOf(object: PodObject): Pick<Pod, 'address' | 'node'> {
  return present({ address: addressOf(object), node: object.spec?.nodeName });
}

function present<T extends object>(facts: T): T {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as T;
}
