import { changing } from './session-runtime/changing.contract.js';
import { claiming } from './session-runtime/claiming.contract.js';
import { creating } from './session-runtime/creating.contract.js';
import { ending } from './session-runtime/ending.contract.js';
import type { MakeRuntimeHarness } from './session-runtime/harness.js';
import { printing } from './session-runtime/printing.contract.js';
import { restarting } from './session-runtime/restarting.contract.js';
import { sequences } from './session-runtime/sequences.contract.js';
import { Stage } from './session-runtime/stage.js';
import { watching } from './session-runtime/watching.contract.js';

/** What every runtime must do. One runtime serves all cases; each works with sessions of its own. */
export function sessionRuntimeContract(name: string, makeHarness: MakeRuntimeHarness): void {
  describe(`${name} as a session runtime`, () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = new Stage(await makeHarness());
    });
    afterAll(() => stage.harness.close());

    for (const cases of [creating, claiming, changing, ending, restarting, watching, printing, sequences]) {
      cases(() => stage);
    }
  });
}
