import type { StoreLimits } from '../../src/lifecycle/store/session-store.js';
import { addresses } from './session-store/addresses.contract.js';
import { compares } from './session-store/compares.contract.js';
import { ending } from './session-store/ending.contract.js';
import { entering } from './session-store/entering.contract.js';
import { failing } from './session-store/failing.contract.js';
import { VIRTUAL_TIME, type MakeStoreHarness, type Pace } from './session-store/harness.js';
import { importing } from './session-store/import.contract.js';
import { importingAfterRestart, importTokens } from './session-store/import-token.contract.js';
import { limits } from './session-store/limits.contract.js';
import { memoryLost } from './session-store/memory-lost.contract.js';
import { owners } from './session-store/owners.contract.js';
import { queue } from './session-store/queue.contract.js';
import { races } from './session-store/races.contract.js';
import { reading } from './session-store/reading.contract.js';
import { reopening } from './session-store/reopening.contract.js';
import { Stage, type Given } from './session-store/stage.js';
import { starting } from './session-store/starting.contract.js';
import { using } from './session-store/using.contract.js';
import { watching } from './session-store/watching.contract.js';

export type { MakeStoreHarness, Pace, StoreHarness } from './session-store/harness.js';

/** What every session store keeps to, whoever it is; the cases stand by topic in `session-store/`. */
export function sessionStoreContract(name: string, makeHarness: MakeStoreHarness, pace: Pace = VIRTUAL_TIME): void {
  describe(name, () => {
    const stages: Stage[] = [];
    const given: Given = async (own: Partial<StoreLimits> = {}) => {
      const all: StoreLimits = {
        maxSessions: 1_000,
        maxSessionsPerOwner: 0,
        startTimeoutMs: 10 * pace.unitMs,
        tombstoneMs: 10 * pace.unitMs,
        ...own,
      };
      const stage = new Stage(await makeHarness(all), pace, all);
      stages.push(stage);
      return stage;
    };
    afterEach(async () => {
      for (const stage of stages.splice(0)) await stage.harness.close();
    });

    const topics = [entering, owners, reopening, limits, starting, addresses, using, failing, ending, queue];
    for (const topic of [...topics, compares, reading, watching, memoryLost, importing, importTokens, races])
      topic(given, pace);
    if (pace.keepsRecordsOverRestart) importingAfterRestart(given);
  });
}
