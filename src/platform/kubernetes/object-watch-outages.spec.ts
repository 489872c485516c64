import { thing, WatchStage } from '../../../test/support/watch-stage.js';
import { pauseMs } from './outage.js';

describe('a watch of objects', () => {
  let stage: WatchStage;

  beforeEach(() => {
    stage = new WatchStage();
  });
  afterEach(async () => {
    expect(await stage.close()).toEqual({ timers: 0, watches: 0 });
  });

  describe('through an outage', () => {
    it('of a day goes on trying, ever more slowly, and says so once at its start and once at its end', async () => {
      await stage.following();
      stage.server.isAway = true;
      stage.server.watch.body.destroy(new Error('ECONNRESET'));
      await stage.clock.advance(86_400_000);
      expect(stage.watch.ageMs()).toBe(86_400_000);
      stage.server.isAway = false;
      await stage.clock.advance(11_000);
      expect(stage.server.watches).toHaveLength(2);
      expect(stage.logger.lines.map(({ event }) => event)).toEqual([
        'kubernetes.watch-broken',
        'kubernetes.watch-restored',
      ]);
    });

    it('says what keeps it from hearing, and when that was over', async () => {
      await stage.following();
      expect(stage.watch.hearing()).toEqual({ trouble: undefined, unbrokenMs: Infinity });
      stage.server.isAway = true;
      stage.server.watch.body.destroy(new Error('ECONNRESET'));
      await stage.clock.advance(60_000);
      expect(stage.watch.hearing()).toEqual({ trouble: 'refused', unbrokenMs: 0 });
      stage.server.isAway = false;
      await stage.clock.advance(60_000);
      const { trouble, unbrokenMs } = stage.watch.hearing();
      expect(trouble).toBeUndefined();
      expect(unbrokenMs).toBeGreaterThan(45_000);
      expect(unbrokenMs).toBeLessThan(60_000);
    });

    it('forgets a break that was over in a moment', async () => {
      await stage.following();
      stage.server.watch.body.destroy(new Error('ECONNRESET'));
      await stage.clock.advance(5_000);
      expect(stage.watch.hearing()).toEqual({ trouble: undefined, unbrokenMs: Infinity });
    });

    it('tries again after pauses that double from a fifth of a second to ten, by chance down to half of it', () => {
      const longest = [1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((failures) => pauseMs(failures, 0.999_999));
      const expected = [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000];
      expect(longest.map(Math.round)).toEqual(expected);
      expect([1, 1_000].map((failures) => pauseMs(failures, 0))).toEqual([100, 5_000]);
    });

    it('leaves the server alone for as long as it asks for, within reason', () => {
      expect([pauseMs(1, 0, 3_000), pauseMs(1, 0, 3_600_000)]).toEqual([3_000, 30_000]);
    });

    it('begins with short pauses again once a watch has worked', async () => {
      await stage.following();
      stage.server.isAway = true;
      stage.server.watch.body.destroy(new Error('ECONNRESET'));
      await stage.clock.advance(600_000);
      stage.server.isAway = false;
      await stage.clock.advance(10_000);
      stage.server.say(['BOOKMARK', { metadata: { resourceVersion: '17' } }]);
      await stage.clock.advance(0);
      stage.server.watch.body.destroy(new Error('ECONNRESET'));
      await stage.clock.advance(200);
      expect(stage.server.watches).toHaveLength(3);
    });
  });

  describe('notices', () => {
    it('a connection that has frozen', async () => {
      await stage.following();
      stage.server.say(['BOOKMARK', { metadata: { resourceVersion: '17' } }]);
      await stage.clock.advance(44_999);
      expect(stage.server.watches).toHaveLength(1);
      await stage.clock.advance(201);
      expect([stage.server.watches.length, stage.server.watch.query.resourceVersion]).toEqual([2, '17']);
      expect([stage.server.watches[0]!.signal.aborted, stage.watch.ageMs()]).toEqual([true, 45_200]);
    });

    it('a server that never ends its watches, and does not go by what it brings too late', async () => {
      await stage.following();
      for (let second = 0; second < 60; second++) {
        await stage.clock.advance(1_000);
        stage.server.say(['BOOKMARK', { metadata: { resourceVersion: String(100 + second) } }]);
      }
      expect(stage.server.watches).toHaveLength(2);
    });

    it('a server that ends each watch at once, and does not ask in a circle', async () => {
      await stage.following();
      stage.server.onWatch = (body) => body.end();
      stage.server.watch.body.end();
      await stage.clock.advance(60_000);
      expect(stage.server.watches.length).toBeLessThan(20);
      expect(stage.watch.ageMs()).toBe(60_000);
      expect(stage.logger.of('kubernetes.watch-broken')).toHaveLength(1);
    });

    it('a server that ends each watch after one event, and asks it no more than once a second', async () => {
      await stage.following();
      stage.server.onWatch = (body) => body.end(`${JSON.stringify({ type: 'ADDED', object: thing('a', 11) })}\n`);
      stage.server.watch.body.end();
      await stage.clock.advance(60_000);
      expect(stage.server.watches.length).toBeGreaterThan(50);
      expect(stage.server.watches.length).toBeLessThan(65);
    });

    it('how old its picture is, by events, bookmarks and orderly ends alone', async () => {
      await stage.following();
      await stage.clock.advance(5_000);
      expect(stage.watch.ageMs()).toBe(5_000);
      stage.server.say(['ADDED', thing('a', 11)]);
      await stage.clock.advance(1_000);
      expect(stage.watch.ageMs()).toBe(1_000);
      stage.server.say(['BOOKMARK', { metadata: { resourceVersion: '12' } }]);
      await stage.clock.advance(2_000);
      expect(stage.watch.ageMs()).toBe(2_000);
      stage.server.watch.body.end();
      await stage.clock.advance(3_000);
      expect(stage.watch.ageMs()).toBe(3_000);
      stage.server.watch.body.destroy(new Error('ECONNRESET'));
      await stage.clock.advance(1_000);
      expect(stage.watch.ageMs()).toBe(4_000);
    });
  });

  describe('once it was stopped', () => {
    it('calls no handler any more, though events were on their way', async () => {
      await stage.following();
      stage.server.say(['ADDED', thing('a', 11)]);
      await stage.watch.stop();
      await stage.clock.advance(60_000);
      expect(stage.told).toEqual([]);
    });

    it('stays so', async () => {
      await stage.following();
      await Promise.all([stage.watch.stop(), stage.watch.stop()]);
      stage.watch.start();
      await stage.clock.advance(60_000);
      expect(stage.server.lists).toHaveLength(1);
    });

    it('does so also in the middle of an outage, and before it was started', async () => {
      await stage.watch.stop();
      stage.make();
      stage.server.isAway = true;
      stage.watch.start();
      await stage.clock.advance(60_000);
      const tries = stage.server.lists.length;
      await stage.watch.stop();
      await stage.clock.advance(60_000);
      expect(stage.server.lists).toHaveLength(tries);
    });
  });
});
