import { memoryHarness } from './memory-harness.js';
import { sessionStoreContract } from './session-store.contract.js';
import { storeSequences } from './store-sequences.js';

sessionStoreContract('the memory session store', memoryHarness);
storeSequences('the memory session store', memoryHarness, { reference: memoryHarness });
