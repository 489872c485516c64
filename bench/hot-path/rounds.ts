import type { Outcome } from './load/job.js';
import type { Load } from './load/load.js';
import type { Target } from './target.js';
import { jobFor, type Workload } from './workloads.js';

export interface Measured {
  workload: Workload;
  /** By the target's name, one for each round. */
  outcomes: Record<string, Outcome[]>;
}

export interface Pace {
  rounds: number;
  /** Part of what a workload asks for. */
  lengthFactor: number;
}

export const SESSIONS = 4;
/** The first time a target is asked for something, its code is not compiled yet. */
const FIRST_WARM_UP_SECONDS = 2.5;
const WARM_UP_SECONDS = 0.5;

/** Every target in every round, each round beginning with another one: what disturbs the machine disturbs all of them. */
export async function measure(
  workload: Workload,
  targets: readonly Target[],
  load: Load,
  pace: Pace,
): Promise<Measured> {
  const asked = targets.filter(({ pids }) => workload.withDirect || pids.length > 0);
  const outcomes: Measured['outcomes'] = Object.fromEntries(asked.map(({ name }) => [name, []]));
  for (let round = 0; round < pace.rounds; round += 1) {
    for (let turn = 0; turn < asked.length; turn += 1) {
      const target = asked[(round + turn) % asked.length]!;
      const warmUpSeconds = (round === 0 ? FIRST_WARM_UP_SECONDS : WARM_UP_SECONDS) * pace.lengthFactor;
      const seconds = workload.seconds * pace.lengthFactor;
      outcomes[target.name]!.push(
        await load.run(jobFor(workload, target, { sessions: SESSIONS, warmUpSeconds, seconds })),
      );
    }
  }
  return { workload, outcomes };
}
