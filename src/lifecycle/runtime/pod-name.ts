import { createHash } from 'node:crypto';

import type { SessionId } from '../session-id.js';

/** 128 bits of the id's hash: short enough for a label and a pod name, always compared with the raw id beside it. */
export function sessionHash(id: SessionId): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 32);
}

/** The name of a cold pod follows from (id, generation), so that whoever asks twice asks for the same pod. */
export function podName(id: SessionId, generation: number): string {
  return `berth-${sessionHash(id)}-${generation}`;
}
