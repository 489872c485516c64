import { SoleLeadership } from '../../src/leadership/sole-leadership.js';
import { FakeClock } from '../support/fake-clock.js';
import { leadershipContract } from './leadership.contract.js';

leadershipContract(
  'the sole leadership',
  () => {
    const clock = new FakeClock();
    return Promise.resolve({
      candidate: (identity) => new SoleLeadership(clock, identity),
      advance: (ms) => clock.advance(ms),
      close: () => Promise.resolve(),
    });
  },
  { candidates: 1, patienceMs: 120_000 },
);
