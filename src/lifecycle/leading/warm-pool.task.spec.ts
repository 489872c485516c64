import { alice, sessionId } from '../../../test/support/openings.js';
import { Replica } from '../../../test/support/replica.js';
import { podOf } from '../../../test/support/pods.js';
import { session } from '../../../test/support/sessions.js';
import { PodHeldBack, RuntimeUnavailable } from '../lifecycle.errors.js';
import type { Pod } from '../runtime/pod.js';
import type { Template } from '../templates/template.js';
import { planWarmPools } from './warm-pool.js';

const SIZE = 3;
const pooled = async (): Promise<Replica> => new Replica({ warmPoolSize: SIZE }).startAtOnce().start();
const warm = (replica: Replica): Pod[] => [...replica.runtime.pods.values()].filter(({ assignment }) => !assignment);
const made = (replica: Replica): number => replica.runtime.calls.filter((call) => call === 'createWarm').length;

describe('the plan of the warm pools', () => {
  const template = { name: 'default', hash: 'now', warmPoolSize: 2 } as Template;
  const pod = (uid: string, facts: Partial<Pod> = {}): Pod => {
    const look = { template: 'default', templateHash: 'now', phase: 'ready' as const, createdAtMs: 1 };
    return { ...podOf(session()), uid, assignment: undefined, wasWarm: true, ...look, ...facts };
  };
  const names = (pods: readonly Pod[]): string[] => pods.map(({ uid }) => uid);

  it.each<[string, Pod[], Pod[], { missing: number; surplus: string[]; condemned: string[] }]>([
    ['an empty pool: all are missing', [], [], { missing: 2, surplus: [], condemned: [] }],
    ['what is ordered is not missing', [], [pod('a')], { missing: 1, surplus: [], condemned: [] }],
    ['what starts counts', [pod('a', { phase: 'starting' }), pod('b')], [], { missing: 0, surplus: [], condemned: [] }],
    ['an outdated pod goes', [pod('a', { templateHash: 'old' })], [], { missing: 2, surplus: ['a'], condemned: [] }],
    ['one of no template goes', [pod('a', { template: 'gone' })], [], { missing: 2, surplus: ['a'], condemned: [] }],
    ['a dead one goes', [pod('a', { phase: 'dead' }), pod('b')], [], { missing: 1, surplus: ['a'], condemned: [] }],
    [
      'of too many the one that is not ready goes',
      [pod('a', { phase: 'starting' }), pod('b'), pod('c')],
      [],
      { missing: 0, surplus: ['a'], condemned: [] },
    ],
    [
      'of too many ready ones the youngest goes',
      [pod('a', { createdAtMs: 3 }), pod('b'), pod('c')],
      [],
      { missing: 0, surplus: ['a'], condemned: [] },
    ],
    ['a condemned one is ended', [pod('a', { markedUntilMs: 1 })], [], { missing: 2, surplus: [], condemned: ['a'] }],
    [
      'one that never was warm is left alone',
      [pod('a', { wasWarm: false, template: '' })],
      [],
      { missing: 2, surplus: [], condemned: [] },
    ],
    ['one being deleted is none', [pod('a', { deleting: true })], [], { missing: 2, surplus: [], condemned: [] }],
  ])('%s', (_, pods, ordered, expected) => {
    const plan = planWarmPools([template], pods, ordered);
    const missing = plan.missing.reduce((sum, { count }) => sum + count, 0);
    expect({ missing, surplus: names(plan.surplus), condemned: names(plan.condemned) }).toEqual(expected);
  });
});

describe('a warm pool', () => {
  it('is filled by the leader, and not more than filled', async () => {
    const replica = await pooled();
    await replica.clock.advance(60_000);
    expect(warm(replica)).toHaveLength(SIZE);
    expect(made(replica)).toBe(SIZE);
  });

  it('gives a new session a pod that is ready already, and is refilled', async () => {
    const replica = await pooled();
    replica.runtime.onCreate = () => {};
    const admission = await replica.admit();
    expect(admission.start).toBe('warm');
    expect(replica.runtime.calls).not.toContain('create');
    await replica.clock.advance(100);
    expect(warm(replica)).toHaveLength(SIZE);
    const status = await replica.lifecycle.sessions.status(replica.lifecycle.directory.all()[0]!.id, alice);
    expect(status).toMatchObject({ state: 'ready', generation: 1 });
  });

  it('gives two sessions two pods', async () => {
    const replica = await pooled();
    const ids = [1, 2, 3, 4, 5].map((at) => sessionId(`many-${at}`));
    const admissions = await Promise.all(ids.map((id) => replica.admit({ id })));
    expect(new Set(admissions.map(({ address }) => address)).size).toBe(ids.length);
  });

  it('leaves a session with an environment of its own to a cold start', async () => {
    const replica = await pooled();
    const id = sessionId('with-env');
    await replica.lifecycle.sessions.open(id, alice, { env: { COLOUR: 'red' } });
    await replica.clock.advance(1_000);
    expect((await replica.admit({ id })).address).toBeDefined();
    expect(replica.runtime.calls).not.toContain('claim');
  });

  it('that is taken by others falls back to a cold start', async () => {
    const replica = await pooled();
    jest.spyOn(replica.runtime, 'claim').mockResolvedValue('changed');
    expect((await replica.admit()).start).toBe('cold');
  });

  it('never takes a used pod back', async () => {
    const replica = await pooled();
    (await replica.admit()).release();
    const used = [...replica.runtime.pods.values()].find(({ assignment }) => assignment)!;
    await replica.clock.advance(700_000);
    expect(replica.runtime.pods.has(used.uid)).toBe(false);
    expect(warm(replica)).toHaveLength(SIZE);
  });

  it('loses a condemned pod at once, and counts it no more', async () => {
    const replica = await pooled();
    const [condemned] = warm(replica);
    await replica.runtime.mark(condemned!, replica.clock.nowMs());
    await replica.clock.advance(100);
    expect(warm(replica).map(({ uid }) => uid)).not.toContain(condemned!.uid);
    expect(warm(replica)).toHaveLength(SIZE);
  });

  it('loses its pods one for one when they die, and pauses longer each time they die at once', async () => {
    const replica = new Replica({ warmPoolSize: SIZE });
    replica.runtime.onCreate = (pod) => void replica.runtime.change(pod, { phase: 'dead', crashed: true });
    await replica.start();
    await replica.clock.advance(120_000);
    expect(made(replica)).toBeGreaterThan(2 * SIZE);
    expect(made(replica)).toBeLessThan(12 * SIZE);
    replica.startAtOnce();
    await replica.clock.advance(61_000);
    expect(warm(replica).every(({ phase }) => phase === 'ready')).toBe(true);
    expect(warm(replica)).toHaveLength(SIZE);
  });

  it('waits when there is no room, and asks seldom', async () => {
    const replica = new Replica({ warmPoolSize: SIZE });
    const full = new PodHeldBack('QuotaExceeded', 'full');
    const creates = jest.spyOn(replica.runtime, 'createWarm').mockRejectedValue(full);
    await replica.start();
    await replica.clock.advance(300_000);
    expect(creates.mock.calls.length).toBeGreaterThan(SIZE);
    expect(creates.mock.calls.length).toBeLessThan(12 * SIZE);
  });

  it('does not end a pod that was claimed while it was being condemned', async () => {
    const replica = await pooled();
    const [first] = warm(replica);
    const mark = replica.runtime.mark.bind(replica.runtime);
    replica.runtime.mark = (pod, untilMs) => {
      const stale = pod.uid === first!.uid ? { ...pod, revision: 'older' } : pod;
      return mark(stale, untilMs);
    };
    replica.runtime.change(first!, { templateHash: 'of yesterday' });
    await replica.clock.advance(30_000);
    expect(replica.runtime.pods.get(first!.uid)).toMatchObject({ deleting: false });
    expect(replica.runtime.pods.get(first!.uid)!.markedUntilMs).toBeUndefined();
  });

  it('that is partly filled asks seldom, too, when there is no room for the rest', async () => {
    const replica = await pooled();
    const full = new PodHeldBack('QuotaExceeded', 'full');
    const creates = jest.spyOn(replica.runtime, 'createWarm').mockRejectedValue(full);
    replica.runtime.vanish(warm(replica)[0]!);
    await replica.clock.advance(300_000);
    expect(creates.mock.calls.length).toBeGreaterThan(2);
    expect(creates.mock.calls.length).toBeLessThan(12);
  });

  it('is filled although one of its pods can be neither condemned nor deleted', async () => {
    const replica = await pooled();
    const [outdated, condemned, other] = warm(replica);
    const mark = replica.runtime.mark.bind(replica.runtime);
    const end = replica.runtime.delete.bind(replica.runtime);
    await mark(condemned!, replica.clock.nowMs());
    const refused = () => Promise.reject(new RuntimeUnavailable('a webhook refuses'));
    replica.runtime.mark = (pod, untilMs) => (pod.uid === outdated!.uid ? refused() : mark(pod, untilMs));
    replica.runtime.delete = (pod) => (pod.uid === condemned!.uid ? refused() : end(pod));
    replica.runtime.change(outdated!, { templateHash: 'of yesterday' });
    replica.runtime.vanish(other!);
    await replica.clock.advance(30_000);
    const usable = warm(replica).filter(({ uid }) => uid !== outdated!.uid && uid !== condemned!.uid);
    expect(usable).toHaveLength(SIZE);
  });
});
