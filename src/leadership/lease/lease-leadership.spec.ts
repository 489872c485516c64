import { FakeLeaseLock } from '../../../test/support/fake-lease.js';
import { FakeRandomness } from '../../../test/support/fake-randomness.js';
import { LeaseStage, leaseRecord, SOON_MS } from '../../../test/support/lease-stage.js';
import { StartFault } from '../../config/start-fault.js';
import { LeaseLeadership } from './lease-leadership.js';

describe('the lead', () => {
  let stage: LeaseStage;

  beforeEach(() => {
    stage = new LeaseStage();
  });
  afterEach(async () => {
    expect(await stage.close()).toBe(0);
  });

  it('is not stood for with durations by which two would lead', () => {
    const { lease, clock, logger } = stage;
    const durations = { leaseMs: 10_000, renewDeadlineMs: 10_000, retryMs: 9_000 };
    const parts = { lock: new FakeLeaseLock(lease, clock), identity: 'a', clock, logger };
    const stand = () => new LeaseLeadership({ ...parts, durations, randomness: new FakeRandomness() });
    expect(stand).toThrow(StartFault);
    expect(stand).toThrow(/LEASE_RENEW_DEADLINE_SECONDS \(10\).*\n.*LEASE_DURATION_SECONDS \(10\)/);
  });

  describe('is taken', () => {
    it('where there is no lease, without a change of hands', async () => {
      const { leadership } = await stage.standing('a');
      expect(leadership.status()).toMatchObject({ isLeader: true, leader: 'a' });
      expect(stage.lease.lease?.record).toMatchObject({ holder: 'a', durationMs: 15_000, transitions: 0 });
    });

    it('within a moment after the leader stopped', async () => {
      const [first, second] = [await stage.standing('a'), await stage.standing('b')];
      await first.leadership.stop();
      await stage.clock.advance(SOON_MS);
      expect([second.leadership.status().isLeader, second.task.runs]).toEqual([true, 1]);
      expect(stage.lease.lease?.record).toMatchObject({ holder: 'b', transitions: 1 });
    });

    it('within a moment after somebody deleted the lease of a leader that is dead', async () => {
      stage.lease.put(leaseRecord());
      const { leadership } = await stage.standing('a');
      expect(leadership.status()).toMatchObject({ isLeader: false, leader: 'somebody' });
      stage.lease.remove();
      await stage.clock.advance(SOON_MS);
      expect(leadership.status().isLeader).toBe(true);
    });

    it('from a dead leader once its lease is over, as seen from here and no sooner', async () => {
      stage.lease.put(leaseRecord());
      await stage.clock.advance(3_600_000); // long over by the times that are written in it
      const { leadership } = await stage.standing('a');
      await stage.clock.advance(15_000 - SOON_MS - 1);
      expect(leadership.status().isLeader).toBe(false);
      await stage.clock.advance(SOON_MS + 1);
      expect(leadership.status().isLeader).toBe(true);
      expect(stage.lease.lease?.record.transitions).toBe(4);
    });

    it('by one of many, and the others see whom', async () => {
      const all = ['a', 'b', 'c', 'd', 'e'].map((identity) => stage.candidate(identity));
      await Promise.all(all.map(({ leadership }) => leadership.start()));
      await stage.clock.advance(2 * SOON_MS);
      expect(all.filter(({ leadership }) => leadership.status().isLeader)).toHaveLength(1);
      const leader = stage.lease.lease?.record.holder;
      expect(all.map(({ leadership }) => leadership.status().leader)).toEqual(Array(5).fill(leader));
      expect(all.reduce((runs, { task }) => runs + task.runs, 0)).toBe(1);
    });

    it('after an expiry also by one whose watch hears nothing, but never from a leader that renews', async () => {
      const first = await stage.standing('a');
      const second = stage.candidate('b');
      second.lock.isDeaf = true;
      await second.leadership.start();
      await stage.clock.advance(120_000);
      expect([first.leadership.status().isLeader, second.leadership.status().isLeader]).toEqual([true, false]);
      expect(first.task.signal?.aborted).toBe(false);
      await first.leadership.stop();
      await stage.clock.advance(16_000);
      expect(second.leadership.status().isLeader).toBe(true);
    });

    it('with the next try when the answer to the write was lost, without another change of hands', async () => {
      stage.lease.put(leaseRecord({ holder: '' }));
      const one = stage.candidate('a');
      await one.leadership.start();
      await stage.clock.advance(0);
      one.lock.way = 'answers lost';
      await stage.clock.advance(1_000);
      expect([stage.lease.lease?.record.holder, one.leadership.status().isLeader]).toEqual(['a', false]);
      one.lock.way = 'open';
      await stage.clock.advance(10_000);
      expect([one.leadership.status().isLeader, one.task.runs]).toEqual([true, 1]);
      expect(stage.lease.lease?.record.transitions).toBe(4);
    });
  });

  describe('is kept', () => {
    it('by a renewal every two seconds, one call each', async () => {
      const { lock } = await stage.standing('a');
      lock.calls.length = 0;
      await stage.clock.advance(60_000);
      expect(lock.calls).toEqual(Array(30).fill('update'));
    });

    it('when somebody wrote beside it', async () => {
      const { leadership, task } = await stage.standing('a');
      stage.lease.put({ ...stage.lease.lease!.record });
      await stage.clock.advance(20_000);
      expect([leadership.status().isLeader, task.runs, task.signal?.aborted]).toEqual([true, 1, false]);
    });

    it('when somebody deleted the lease, and nobody else was faster', async () => {
      const { leadership, task } = await stage.standing('a');
      stage.lease.remove();
      await stage.clock.advance(SOON_MS);
      expect(stage.lease.lease?.record.holder).toBe('a');
      await stage.clock.advance(20_000);
      expect([leadership.status().isLeader, task.runs]).toEqual([true, 1]);
    });

    it('through an outage shorter than the renew deadline', async () => {
      const { leadership, lock, task } = await stage.standing('a');
      lock.way = 'away';
      await stage.clock.advance(7_000);
      lock.way = 'open';
      await stage.clock.advance(20_000);
      expect([leadership.status().isLeader, task.runs, task.signal?.aborted]).toEqual([true, 1, false]);
    });

    it('when the answer to a renewal was lost', async () => {
      const { leadership, lock, task } = await stage.standing('a');
      lock.way = 'answers lost';
      await stage.clock.advance(3_000);
      lock.way = 'open';
      await stage.clock.advance(20_000);
      expect([leadership.status().isLeader, task.runs, task.signal?.aborted]).toEqual([true, 1, false]);
      expect(stage.lease.lease?.record.transitions).toBe(0);
    });
  });
});
