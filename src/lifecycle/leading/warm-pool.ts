import type { Pod } from '../runtime/pod.js';
import type { Template } from '../templates/template.js';

/** What the leader does about the warm pods, decided from what it sees. */
export interface WarmPoolPlan {
  /** How many pods are missing of which template. */
  missing: readonly { template: Template; count: number }[];
  /** Outdated, dead, or more than wanted: to be condemned. */
  surplus: readonly Pod[];
  /** Condemned already, but their deletion was not ordered. */
  condemned: readonly Pod[];
}

/** `ordered`: pods asked for that the view does not show yet; without counting them a slow watch would fill a cluster. */
export function planWarmPools(
  templates: readonly Template[],
  warm: readonly Pod[],
  ordered: readonly Pod[],
): WarmPoolPlan {
  // One without a session that never was warm is broken or from the future: it is nobody's to take.
  const standing = warm.filter(({ deleting, wasWarm }) => wasWarm && !deleting);
  const condemned = standing.filter(({ markedUntilMs }) => markedUntilMs !== undefined);
  const usable = standing.filter((pod) => pod.markedUntilMs === undefined);
  const surplus = new Set(usable);
  const missing: { template: Template; count: number }[] = [];
  for (const template of templates) {
    const kept = usable.filter((pod) => isOf(template, pod) && pod.phase !== 'dead').sort(worthiestFirst);
    for (const pod of kept.slice(0, template.warmPoolSize)) surplus.delete(pod);
    const count = template.warmPoolSize - kept.length - ordered.filter((pod) => isOf(template, pod)).length;
    if (count > 0) missing.push({ template, count });
  }
  return { missing, surplus: [...surplus], condemned };
}

export function isOf({ name, hash }: Template, { template, templateHash }: Pod): boolean {
  return template === name && templateHash === hash;
}

/** Of too many, those go first that are not ready, then the youngest. */
function worthiestFirst(one: Pod, other: Pod): number {
  const readyFirst = Number(other.phase === 'ready') - Number(one.phase === 'ready');
  return readyFirst || one.createdAtMs - other.createdAtMs;
}
