import { type Thing, thing, WatchStage } from '../../../test/support/watch-stage.js';
import { fromAnswer } from './kubernetes-errors.js';

describe('a watch of objects', () => {
  let stage: WatchStage;

  beforeEach(() => {
    stage = new WatchStage();
  });
  afterEach(async () => {
    expect(await stage.close()).toEqual({ timers: 0, watches: 0 });
  });

  describe('at its start', () => {
    it('asks for what is true now, in pages, and hands on all of it at once', async () => {
      stage.server.listFaults.push({ metadata: { resourceVersion: '10', continue: 'more' }, items: [thing('a')] });
      stage.server.things = [thing('b')];
      stage.watch.start();
      expect(stage.watch.ageMs()).toBe('unsynced');
      await stage.clock.advance(0);
      expect(stage.told).toEqual(['all: a b']);
      expect(stage.server.lists).toEqual([
        { labelSelector: 'a=b', fieldSelector: undefined, limit: 500, continue: undefined },
        { labelSelector: 'a=b', fieldSelector: undefined, limit: 500, continue: 'more' },
      ]);
      expect(stage.watch.ageMs()).toBe(0);
    });

    it('goes on from there, with bookmarks and an end that is agreed on', async () => {
      await stage.following();
      expect(stage.server.watch.query).toEqual({
        labelSelector: 'a=b',
        fieldSelector: undefined,
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: '10',
        timeoutSeconds: 30,
      });
    });

    it('is unsynced as long as there is no complete list', async () => {
      stage.server.isAway = true;
      stage.watch.start();
      await stage.clock.advance(3_600_000);
      expect([stage.watch.ageMs(), stage.told]).toEqual(['unsynced', []]);
      stage.server.isAway = false;
      await stage.clock.advance(10_000);
      expect([stage.watch.ageMs(), stage.told]).toEqual([expect.any(Number), ['all: ']]);
    });

    it('begins the list anew when its pages have expired', async () => {
      stage.server.listFaults.push({ metadata: { resourceVersion: '10', continue: 'more' }, items: [thing('old')] });
      stage.server.listFaults.push(fromAnswer(410, { reason: 'Expired' }));
      stage.server.things = [thing('new')];
      stage.watch.start();
      await stage.clock.advance(200);
      expect(stage.told).toEqual(['all: new']);
      expect(stage.logger.lines).toEqual([]);
    });
  });

  describe('of changes', () => {
    it('hands on each, and what was deleted as it was in the end', async () => {
      await stage.following(thing('a'));
      stage.server.say(['ADDED', thing('b', 11)], ['MODIFIED', thing('a', 12)], ['DELETED', thing('b', 13)]);
      await stage.clock.advance(0);
      expect(stage.told).toEqual(['changed: b@11', 'changed: a@12', 'gone: b@13']);
    });

    it('does not tell of what was deleted before it was known', async () => {
      await stage.following();
      stage.server.say(['DELETED', thing('b', 13)]);
      await stage.clock.advance(0);
      expect(stage.told).toEqual([]);
    });

    it('tells objects of one name apart', async () => {
      await stage.following(thing('a', 1, 'first'));
      stage.server.say(['DELETED', thing('a', 11, 'first')], ['ADDED', thing('a', 12, 'second')]);
      await stage.clock.advance(0);
      expect(stage.told).toEqual(['gone: a@11', 'changed: a@12']);
    });

    it('is not broken by a handler that throws, nor by an object that cannot be read', async () => {
      stage.make((raw) => {
        if ((raw as Thing).metadata.name === 'odd') throw new Error('cannot be read, as the test wants it');
        return raw as Thing;
      }, true);
      await stage.following(thing('odd'), thing('a'));
      stage.server.say(['MODIFIED', thing('odd', 11)], ['MODIFIED', thing('a', 12)], ['DELETED', thing('a', 13)]);
      await stage.clock.advance(0);
      expect(stage.told).toEqual(['changed: a@12', 'gone: a@13']);
      expect(stage.logger.of('kubernetes.handler-failed')).toHaveLength(1);
      expect(stage.logger.of('kubernetes.object-unreadable')[0]).toMatchObject({ name: 'odd' });
      expect(stage.server.watches).toHaveLength(1);
    });

    it('takes what is no longer wanted for gone', async () => {
      stage.make((raw) => ((raw as Thing).metadata.resourceVersion === '11' ? undefined : (raw as Thing)));
      await stage.following(thing('a'));
      stage.server.say(['MODIFIED', thing('a', 11)]);
      await stage.clock.advance(0);
      expect(stage.told).toEqual(['gone: a@1']);
    });
  });

  describe('goes on', () => {
    it('at once after an orderly end, from the last version it heard of', async () => {
      await stage.following();
      stage.server.say(['ADDED', thing('a', 11)], ['BOOKMARK', { metadata: { resourceVersion: '17' } }]);
      await stage.clock.advance(30_000);
      stage.server.watch.body.end();
      await stage.clock.advance(0);
      expect(stage.server.watches).toHaveLength(2);
      expect([stage.server.watch.query.resourceVersion, stage.server.lists.length]).toEqual(['17', 1]);
      expect(stage.logger.lines).toEqual([]);
    });

    it('from the last version after a connection that broke, without listing again', async () => {
      await stage.following();
      stage.server.say(['ADDED', thing('a', 11)]);
      await stage.clock.advance(0);
      stage.server.watch.body.destroy(new Error('ECONNRESET'));
      await stage.clock.advance(200);
      expect([
        stage.server.watch.query.resourceVersion,
        stage.server.lists.length,
        stage.server.watches.length,
      ]).toEqual(['11', 1, 2]);
    });

    const expired: [string, () => void][] = [
      ['by its status', () => stage.server.watchFaults.push(fromAnswer(410, { reason: 'Gone' }))],
      ['in an event', () => undefined],
    ];
    it.each(expired)('with a new list when the server says %s that the version has expired', async (_name, refuse) => {
      await stage.following(thing('a'), thing('b'), thing('c', 1, 'old'));
      await stage.clock.advance(30_000);
      refuse();
      if (stage.server.watchFaults.length === 0)
        stage.server.say(['ERROR', { kind: 'Status', code: 410, reason: 'Expired' }]);
      else stage.server.watch.body.end();
      stage.server.things = [thing('b', 20), thing('c', 21, 'new'), thing('d', 22)];
      stage.server.version = '30';
      await stage.clock.advance(2_000);
      expect(stage.told).toEqual(['gone: a@1', 'gone: c@1', 'all: b c d']);
      expect(stage.server.watch.query.resourceVersion).toBe('30');
      expect(stage.logger.lines).toEqual([]);
    });

    it.each([
      ['an error event of another kind', { type: 'ERROR', object: { code: 500 } }],
      ['an error event without a code', { type: 'ERROR', object: {} }],
      ['an event of an unknown type', { type: 'SOMETHING', object: thing('a') }],
      ['an object without a version', { type: 'ADDED', object: { metadata: { uid: 'a' } } }],
      ['no object at all', null],
    ])('with a new list after %s', async (_name, line) => {
      await stage.following();
      stage.server.watch.body.write(`${JSON.stringify(line)}\n`);
      await stage.clock.advance(200);
      expect([stage.server.lists.length, stage.told]).toEqual([2, ['all: ']]);
    });

    it('with a new list after a line that is no JSON', async () => {
      await stage.following();
      stage.server.watch.body.write('<html>\n');
      await stage.clock.advance(200);
      expect(stage.server.lists).toHaveLength(2);
    });

    it.each([401, 403, 429, 503])(
      'from the last version once a server that answered %d lets it in again',
      async (code) => {
        await stage.following();
        stage.server.watchFaults.push(fromAnswer(code, ''), fromAnswer(code, ''));
        stage.server.watch.body.end();
        await stage.clock.advance(3_000);
        expect([stage.server.watches.length, stage.server.lists.length]).toEqual([2, 1]);
      },
    );
  });
});
