import { pause, type Clock } from '../../../platform/clock.js';
import { asKubernetesError } from '../../../platform/kubernetes/kubernetes-errors.js';
import type { Randomness } from '../../../platform/randomness.js';
import { PodHeldBack, PodRefused, RuntimeUnavailable } from '../../lifecycle.errors.js';
import type { Pod } from '../pod.js';
import { outcomeOfChange, outcomeOfCreate, unavailable } from './create-outcome.js';
import type { MetadataChange, PodApi } from './pod-api.js';
import type { PodObject } from './pod-object.js';

const MOST_TRIES = 5;
const LONGEST_PAUSE_MS = 200;

/** Writes pods, and puts every answer of the API server into the port's words. */
export class PodWriter {
  constructor(
    private readonly api: PodApi,
    private readonly clock: Clock,
    private readonly randomness: Randomness,
  ) {}

  /**
   * The new pod, or the one that has this name already. Admission decides before anybody looks for the name: what is
   * refused may be there all the same, made when there still was room for it.
   */
  async ensure(name: string, manifest: object): Promise<{ object: PodObject; isNew: boolean }> {
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      if (tries > 1) await pause(this.clock, this.randomness.fraction() * LONGEST_PAUSE_MS);
      const created = await this.tryCreate(manifest);
      if (created === 'again') continue;
      if (!isRefusal(created)) return { object: created, isNew: true };
      const standing = await this.find(name);
      if (standing !== 'absent') return { object: standing, isNew: false };
      if (created !== 'exists') throw created;
    }
    throw new RuntimeUnavailable(`Kubernetes did not settle whether there is a pod ${name}; ask again.`);
  }

  /** `changed` where the pod is not the one, or not as, it was seen. */
  async change(seen: Pod, change: MetadataChange): Promise<PodObject | 'changed' | 'absent'> {
    try {
      return await this.api.patch(seen, change);
    } catch (error) {
      return outcomeOfChange(asKubernetesError(error), 'change a pod');
    }
  }

  async delete(seen: Pod): Promise<'ending' | 'changed' | 'absent'> {
    try {
      await this.api.delete(seen);
      return 'ending';
    } catch (error) {
      return outcomeOfChange(asKubernetesError(error), 'delete a pod');
    }
  }

  async find(name: string): Promise<PodObject | 'absent'> {
    try {
      return await this.api.get(name);
    } catch (error) {
      const known = asKubernetesError(error);
      if (outcomeOfChange(known, 'show a pod') === 'absent') return 'absent';
      throw unavailable('show a pod', known);
    }
  }

  /** Nothing was changed, for the pod is not what it would have to be: is it there at all? */
  async standing({ name }: Pod): Promise<'changed' | 'absent'> {
    return (await this.find(name)) === 'absent' ? 'absent' : 'changed';
  }

  private async tryCreate(manifest: object): Promise<PodObject | 'again' | Refusal> {
    try {
      return await this.api.create(manifest);
    } catch (error) {
      const outcome = outcomeOfCreate(asKubernetesError(error));
      if (outcome instanceof RuntimeUnavailable) throw outcome;
      return outcome;
    }
  }
}

type Refusal = 'exists' | PodRefused | PodHeldBack;

function isRefusal(created: PodObject | Refusal): created is Refusal {
  return created === 'exists' || created instanceof PodRefused || created instanceof PodHeldBack;
}
