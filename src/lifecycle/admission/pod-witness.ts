import type { Pod } from '../runtime/pod.js';
import { SessionRuntime } from '../runtime/session-runtime.js';
import { SessionStore } from '../store/session-store.js';

const MOST_LOOKS = 3;

/**
 * While the store cannot be written, a session's use is written to its pod, before the request is sent there: whoever
 * wants to end the session then finds the pod changed, and whoever has condemned it is found out here.
 */
export class PodWitness {
  constructor(
    private readonly runtime: SessionRuntime,
    private readonly store: SessionStore,
  ) {}

  /** False when the pod is condemned or gone. */
  async recordUse(pod: Pod): Promise<boolean> {
    let current: Pod | 'absent' = pod;
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      if (current === 'absent' || current.uid !== pod.uid || current.deleting) return false;
      const outcome = await this.runtime.annotate(current, { lastUsedAtMs: this.store.nowMs() });
      if (outcome !== 'changed') return typeof outcome === 'object';
      current = await this.runtime.read(pod.name);
    }
    return false;
  }
}
