import { LeaseStage } from '../support/lease-stage.js';
import { leadershipContract } from './leadership.contract.js';

leadershipContract(
  'the leadership by a lease, in virtual time',
  () => {
    const stage = new LeaseStage();
    return Promise.resolve({
      candidate: (identity) => stage.bare(identity),
      advance: (ms) => stage.clock.advance(ms),
      close: () => Promise.resolve(),
    });
  },
  { candidates: 2, patienceMs: 60_000 },
);
