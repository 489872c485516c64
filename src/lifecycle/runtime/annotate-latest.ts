import type { Timeouts } from '../session.js';
import type { Pod } from './pod.js';
import type { SessionRuntime } from './session-runtime.js';

/** A pod that starts is changed by its node several times a second. */
const MOST_LOOKS = 5;

/**
 * Writes to the pod of this uid, however often something else changes it at the same moment. `seen` is where to begin;
 * without it the runtime is asked. False: it is condemned, going or gone, or changes faster than it can be written.
 */
export async function annotateLatest(
  runtime: Pick<SessionRuntime, 'annotate' | 'read'>,
  { name, uid }: Pick<Pod, 'name' | 'uid'>,
  seen: Pod | undefined,
  facts: { lastUsedAtMs?: number; timeouts?: Timeouts },
): Promise<boolean> {
  let pod: Pod | 'absent' = seen ?? (await runtime.read(name));
  for (let look = 0; look < MOST_LOOKS; look += 1) {
    if (pod === 'absent' || pod.uid !== uid || pod.deleting) return false;
    const outcome = await runtime.annotate(pod, facts);
    if (outcome !== 'changed') return typeof outcome === 'object';
    pod = await runtime.read(name);
  }
  return false;
}
