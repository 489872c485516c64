import { LeaseStage, leaseRecord, SOON_MS } from '../../../test/support/lease-stage.js';

describe('the lead', () => {
  let stage: LeaseStage;

  beforeEach(() => {
    stage = new LeaseStage();
  });
  afterEach(async () => {
    expect(await stage.close()).toBe(0);
  });

  describe('is lost', () => {
    it('at the renew deadline, counted from when the last renewal that was answered had begun', async () => {
      const { leadership, lock, task } = await stage.standing('a');
      await stage.clock.advance(20_000);
      const renewedAtMs = stage.clock.monotonicMs() - leadership.status().renewedMsAgo!;
      lock.way = 'stalled';
      await stage.clock.advance(renewedAtMs + 10_000 - stage.clock.monotonicMs() - 1);
      expect([leadership.status().isLeader, task.signal?.aborted]).toEqual([true, false]);
      await stage.clock.advance(1);
      expect([leadership.status().isLeader, task.signal?.aborted]).toEqual([false, true]);
    });

    it('at once to another that holds the lease', async () => {
      const { leadership, task } = await stage.standing('a');
      stage.lease.put(leaseRecord({ holder: 'b' }));
      await stage.clock.advance(0);
      expect([leadership.status().isLeader, task.isRunning]).toEqual([false, false]);
      expect(leadership.status().leader).toBe('b');
      expect(stage.logger.of('leader.lost')).toHaveLength(1);
    });

    it('and won again after the outage, with its tasks run anew', async () => {
      const { leadership, lock, task } = await stage.standing('a');
      lock.way = 'away';
      await stage.clock.advance(3_600_000);
      expect([leadership.status().isLeader, leadership.status().leader, task.isRunning]).toEqual([
        false,
        undefined,
        false,
      ]);
      lock.way = 'open';
      await stage.clock.advance(5_000);
      expect([leadership.status().isLeader, task.runs, task.signal?.aborted]).toEqual([true, 2, false]);
    });

    it('and not stood for again before the tasks have returned', async () => {
      const { leadership, lock, task } = await stage.standing('a');
      task.isStuck = true;
      lock.way = 'away';
      await stage.clock.advance(10_000);
      lock.way = 'open';
      await stage.clock.advance(60_000);
      expect([leadership.status().isLeader, task.runs]).toEqual([false, 1]);
      expect(stage.logger.of('leader.tasks-late')).toEqual([expect.objectContaining({ tasks: ['task'] })]);
      task.unstick();
      await stage.clock.advance(SOON_MS);
      expect([leadership.status().isLeader, task.runs]).toEqual([true, 2]);
    });

    it('and the log tells of an outage once when it begins and once when it ends', async () => {
      const { lock } = await stage.standing('a');
      lock.way = 'away';
      await stage.clock.advance(600_000);
      lock.way = 'open';
      await stage.clock.advance(60_000);
      expect(stage.logger.lines.map(({ event }) => event)).toEqual([
        'leader.elected',
        'leader.lease-unreachable',
        'leader.lost',
        'leader.lease-reachable',
        'leader.elected',
      ]);
    });
  });

  describe('ends with the stop', () => {
    it('in a lease that names nobody and is short, and keeps the count of hands', async () => {
      stage.lease.put(leaseRecord({ holder: '' }));
      const { leadership, lock } = await stage.standing('a');
      await leadership.stop();
      expect(stage.lease.lease?.record).toMatchObject({ holder: '', durationMs: 1_000, transitions: 4 });
      expect(lock.isWatching).toBe(false);
      expect(stage.logger.lines.map(({ event }) => event).at(-1)).toBe('leader.released');
    });

    it('after its tasks have returned, and until then the lease is renewed', async () => {
      const { leadership, task } = await stage.standing('a');
      const second = await stage.standing('b');
      task.isStuck = true;
      const stopping = leadership.stop();
      await stage.clock.advance(14_000);
      expect([task.signal?.aborted, stage.lease.lease?.record.holder]).toEqual([true, 'a']);
      expect(second.leadership.status()).toMatchObject({ isLeader: false, leader: 'a' });
      expect(second.leadership.status().renewedMsAgo).toBeLessThanOrEqual(2_000);
      task.unstick();
      await stopping;
      expect(stage.lease.lease?.record.holder).toBe('');
    });

    it('without waiting for stuck tasks longer than a lease lasts; then the lease is left to expire', async () => {
      const { leadership, task } = await stage.standing('a');
      const second = await stage.standing('b');
      task.isStuck = true;
      let isStopped = false;
      void leadership.stop().then(() => (isStopped = true));
      await stage.clock.advance(17_100);
      expect([isStopped, stage.lease.lease?.record.holder, leadership.status().isLeader]).toEqual([true, 'a', false]);
      expect(stage.logger.of('leader.tasks-late')).toHaveLength(1);
      await stage.clock.advance(16_000);
      expect(second.leadership.status().isLeader).toBe(true);
      task.unstick();
    });

    it('while it is being taken: it is given up again, and no task has run', async () => {
      stage.lease.put(leaseRecord({ holder: '' }));
      const one = stage.candidate('a');
      await one.leadership.start();
      await stage.clock.advance(0);
      const update = one.lock.update.bind(one.lock);
      let stopping: Promise<void> | undefined;
      one.lock.update = (...what) => {
        stopping ??= one.leadership.stop();
        return update(...what);
      };
      await stage.clock.advance(SOON_MS);
      await stopping;
      expect([stage.lease.lease?.record, one.task.runs]).toEqual([
        expect.objectContaining({ holder: '', transitions: 4 }),
        0,
      ]);
    });

    it('though the answer to the write that took it was lost', async () => {
      stage.lease.put(leaseRecord({ holder: '' }));
      const one = stage.candidate('a');
      await one.leadership.start();
      await stage.clock.advance(0);
      one.lock.way = 'answers lost';
      await stage.clock.advance(SOON_MS);
      expect(stage.lease.lease?.record.holder).toBe('a');
      one.lock.way = 'open';
      const stopping = one.leadership.stop();
      await stage.clock.advance(5_000);
      await stopping;
      expect(stage.lease.lease?.record.holder).toBe('');
    });

    it.each(['stalled', 'answers lost'] as const)('though the first release was %s', async (way) => {
      const { leadership, lock } = await stage.standing('a');
      lock.way = way;
      const stopping = leadership.stop();
      await stage.clock.advance(4_900);
      lock.way = 'open';
      await stage.clock.advance(200);
      await stopping;
      expect(stage.lease.lease?.record.holder).toBe('');
      expect(stage.logger.of('leader.not-released')).toEqual([]);
      expect(stage.logger.of('leader.released')).toHaveLength(1);
    });

    it('also when nobody answers any more, not much later than a renewal may take', async () => {
      const { leadership, lock } = await stage.standing('a');
      lock.way = 'stalled';
      let isStopped = false;
      void leadership.stop().then(() => (isStopped = true));
      await stage.clock.advance(10_000);
      expect(isStopped).toBe(true);
      expect(stage.logger.of('leader.not-released')).toHaveLength(1);
    });

    it('also when the lease cannot be released', async () => {
      const { leadership, lock } = await stage.standing('a');
      lock.way = 'away';
      await leadership.stop();
      expect([leadership.status().isLeader, stage.lease.lease?.record.holder]).toEqual([false, 'a']);
      expect(stage.logger.of('leader.not-released')).toHaveLength(1);
    });

    it('when somebody wrote beside it just now', async () => {
      const { leadership, lock } = await stage.standing('a');
      lock.isDeaf = true;
      stage.lease.put({ ...stage.lease.lease!.record });
      await leadership.stop();
      expect(stage.lease.lease?.record.holder).toBe('');
    });

    it("and leaves a lease alone that is another one's by now", async () => {
      const { leadership, lock } = await stage.standing('a');
      lock.isDeaf = true;
      stage.lease.put(leaseRecord({ holder: 'b' }));
      await leadership.stop();
      expect(stage.lease.lease?.record.holder).toBe('b');
    });

    it('of one that only followed, without a call', async () => {
      stage.lease.put(leaseRecord());
      const { leadership, lock } = await stage.standing('a');
      lock.calls.length = 0;
      await leadership.stop();
      expect(lock.calls).toEqual([]);
    });
  });
});
