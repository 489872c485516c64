import { fromStatus, KubernetesError } from './kubernetes-errors.js';
import { linesOf, UNREADABLE } from './lines.js';

/** What every object of the API has. */
export interface ApiObject {
  metadata: { uid: string; name: string; resourceVersion: string };
}

export type WatchEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: ApiObject }
  | { type: 'BOOKMARK'; object: { metadata: { resourceVersion: string } } };

const CHANGES: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED']);

/** The events of a watch's answer. An event ERROR, and a line that is no event, end it by throwing. */
export async function* watchEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent, void, undefined> {
  for await (const line of linesOf(bytes)) yield toEvent(line);
}

function toEvent(line: string): WatchEvent {
  const { type, object } = parsed(line);
  if (type === 'ERROR') throw fromStatus(object);
  const metadata = (object as Partial<ApiObject> | undefined)?.metadata;
  if (type === 'BOOKMARK' && metadata?.resourceVersion) return { type, object: object as ApiObject };
  if (CHANGES.has(type) && metadata?.uid && metadata.resourceVersion) {
    return { type, object } as WatchEvent;
  }
  throw new KubernetesError('The watch brought something that is no event.', { reason: UNREADABLE });
}

function parsed(line: string): { type?: unknown; object?: unknown } {
  try {
    return (JSON.parse(line) ?? {}) as { type?: unknown; object?: unknown };
  } catch (error) {
    throw new KubernetesError('The watch brought a line that is no JSON.', { reason: UNREADABLE, cause: error });
  }
}
