import type { V1ResourceRequirements } from '@kubernetes/client-node';

import type { Template } from '../../templates/template.js';
import { bytesOfQuantity } from '../process/quantity.js';

export interface ResourceDefaults {
  cpuRequest: string;
  cpuLimit: string;
  memoryRequest: string;
  memoryLimit: string;
}

type Quantities = Record<string, string>;

/**
 * What a template says, and of processor and memory what it leaves open from the settings. A value that the template
 * gives moves its counterpart along where the two would contradict each other: no more is asked for than allowed.
 */
export function resourcesOf({ resources }: Template, defaults: ResourceDefaults): V1ResourceRequirements {
  const { requests = {}, limits = {}, claims } = resources ?? {};
  const byDefault = {
    requests: { cpu: defaults.cpuRequest, memory: defaults.memoryRequest },
    limits: { cpu: defaults.cpuLimit, memory: defaults.memoryLimit },
  };
  return {
    requests: { ...bounded(byDefault.requests, limits, Math.min), ...requests },
    limits: { ...bounded(byDefault.limits, requests, Math.max), ...limits },
    ...(claims && { claims: claims as unknown as V1ResourceRequirements['claims'] }),
  };
}

function bounded(quantities: Quantities, by: Quantities, choose: (one: number, other: number) => number): Quantities {
  const entries = Object.entries(quantities).map(([name, quantity]) => {
    const bound = by[name];
    if (bound === undefined) return [name, quantity];
    const [own = 0, other = 0] = [bytesOfQuantity(quantity), bytesOfQuantity(bound)];
    return [name, choose(own, other) === own ? quantity : bound];
  });
  return Object.fromEntries(entries) as Quantities;
}
