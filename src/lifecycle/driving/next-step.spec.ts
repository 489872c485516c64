import { podOf } from '../../../test/support/pods.js';
import { session as record } from '../../../test/support/sessions.js';
import type { Pod } from '../runtime/pod.js';
import type { Session } from '../session.js';
import { deleteAfterMs, nextStep, straysOf } from './next-step.js';

const NOW = 1_000_000;
const DEADLINE = NOW + 120_000;

const session = (facts: Partial<Session> = {}): Session =>
  record({
    state: 'creating',
    generation: 2,
    openedAtMs: NOW,
    lastUsedAtMs: NOW,
    startDeadlineAtMs: DEADLINE,
    ...facts,
  });

const creating = session();
const own = podOf(creating);
const named = session({ pod: { name: own.name, uid: own.uid } });
const ready = session({
  state: 'ready',
  pod: { name: own.name, uid: own.uid, address: 'a:1' },
  startDeadlineAtMs: undefined,
});
const crash: Partial<Pod> = { phase: 'dead', crashed: true, failure: { reason: 'CrashLoopBackOff', message: 'boom' } };
const eviction: Partial<Pod> = { phase: 'dead', failure: { reason: 'Evicted', message: 'disk pressure' } };

describe('the next step of a session', () => {
  it.each<[string, Session, Pod[], object]>([
    ['creating without a pod: makes it', creating, [], { kind: 'start' }],
    [
      'creating before its back-off has passed: waits',
      session({ startNotBeforeMs: NOW + 500 }),
      [],
      { kind: 'wait', ms: 500 },
    ],
    ['creating whose pod is there unnamed: names it', creating, [own], { kind: 'name', pod: own }],
    [
      'creating, a pod of another generation: makes its own',
      creating,
      [podOf(session({ generation: 1 }))],
      { kind: 'start' },
    ],
    [
      'creating, a pod of another owner: makes its own',
      creating,
      [podOf(session({ owner: 'bob' }))],
      { kind: 'start' },
    ],
    ['creating, a condemned pod: does not adopt it', creating, [{ ...own, markedUntilMs: NOW }], { kind: 'start' }],
    ['creating, a pod being deleted: does not adopt it', creating, [{ ...own, deleting: true }], { kind: 'start' }],
    ['of a later version: leaves it alone', session({ state: 'frozen' as never }), [own], { kind: 'rest' }],
    ['named but not seen: asks live', named, [], { kind: 'look', podName: own.name }],
    ['named and starting: waits for the deadline', named, [own], { kind: 'wait', ms: 120_000 }],
    [
      'named and ready: marks ready',
      named,
      [{ ...own, phase: 'ready', address: 'a:1' }],
      { kind: 'mark-ready', address: 'a:1' },
    ],
    ['named and restarting: waits', named, [{ ...own, phase: 'restarting' }], { kind: 'wait' }],
    [
      'named and crashed: replaces at once',
      named,
      [{ ...own, ...crash }],
      { kind: 'replace', startAfterMs: 0, death: { crashed: true } },
    ],
    [
      'the second heal in a row: after 1 s',
      { ...named, heals: 1 },
      [{ ...own, ...eviction }],
      { kind: 'replace', startAfterMs: 1_000 },
    ],
    [
      'the third crash in a row: fails',
      { ...named, heals: 2, crashes: 2 },
      [{ ...own, ...crash }],
      { kind: 'fail', backOffMs: 10_000 },
    ],
    [
      'many evictions: never fails',
      { ...named, heals: 9, crashes: 2 },
      [{ ...own, ...eviction }],
      { kind: 'replace', startAfterMs: 60_000 },
    ],
    [
      'past its deadline: looks once more',
      { ...named, startDeadlineAtMs: NOW },
      [own],
      { kind: 'give-up', podName: own.name },
    ],
    ['ready with its pod: rests', ready, [{ ...own, phase: 'ready', address: 'a:1' }], { kind: 'rest' }],
    ['ready whose pod restarts in place: rests', ready, [{ ...own, phase: 'restarting' }], { kind: 'rest' }],
    [
      'ready whose pod is condemned but stands: rests',
      ready,
      [{ ...own, phase: 'ready', markedUntilMs: NOW }],
      { kind: 'rest' },
    ],
    ['ready without its pod: asks live', ready, [], { kind: 'look', podName: own.name }],
    [
      'ready whose pod is being deleted: replaces',
      ready,
      [{ ...own, deleting: true }],
      { kind: 'replace', death: { reason: 'PodDeleted' } },
    ],
    [
      'ready whose pod is dead: replaces',
      ready,
      [{ ...own, ...eviction }],
      { kind: 'replace', death: { reason: 'Evicted', crashed: false } },
    ],
    [
      'terminating with a pod: rests until it is being deleted',
      session({ state: 'terminating' }),
      [own],
      { kind: 'rest' },
    ],
    [
      'terminating, pod being deleted: ended, one left',
      session({ state: 'terminating' }),
      [{ ...own, deleting: true }],
      { kind: 'finish', pods: 'left' },
    ],
    [
      'terminating without a pod: ended, none left',
      session({ state: 'terminating' }),
      [],
      { kind: 'finish', pods: 'none' },
    ],
    [
      'ended, the last pod gone: the tombstone begins',
      session({ state: 'ended' }),
      [],
      { kind: 'finish', pods: 'none' },
    ],
    ['ended, a pod left: rests', session({ state: 'ended' }), [own], { kind: 'rest' }],
    ['failed: rests', session({ state: 'failed' }), [], { kind: 'rest' }],
  ])('%s', (_, of, pods, step) => {
    expect(nextStep(of, pods, NOW)).toMatchObject(step);
  });

  it('of a session steady for 60 s starts counting from nothing', () => {
    const steady = { ...ready, heals: 5, crashes: 2, readyAtMs: NOW - 60_000 };
    expect(nextStep(steady, [{ ...own, ...crash }], NOW)).toMatchObject({ kind: 'replace', startAfterMs: 0 });
  });
});

describe('a stray', () => {
  const older = podOf(session({ generation: 1 }));

  it.each<[string, Session | undefined, Pod[], Pod[]]>([
    ['is any pod of an id without a session', undefined, [own], [own]],
    ['is an older generation', ready, [own, older], [older]],
    ['is not the pod that is about to be named', creating, [own], []],
    ['is every pod of a failed session', session({ state: 'failed' }), [own], [own]],
    ['is every pod of an ending session', session({ state: 'terminating' }), [own, older], [own, older]],
    ['is none where a later version knows what the state means', session({ state: 'frozen' as never }), [own], []],
    ['is a pod of this generation that is not the named one', { ...ready, pod: { name: 'x', uid: 'x' } }, [own], [own]],
  ])('%s', (_, of, pods, strays) => {
    expect(straysOf(of, pods)).toEqual(strays);
  });

  it('goes at once, but past its lifetime only after the drain', () => {
    expect(deleteAfterMs(own, 30_000, NOW)).toBe(NOW);
    const expired = podOf(session({ maxLifetimeMs: 10_000, openedAtMs: NOW - 15_000 }));
    expect(deleteAfterMs(expired, 30_000, NOW)).toBe(NOW + 25_000);
    const young = podOf(session({ maxLifetimeMs: 10_000, openedAtMs: NOW - 5_000 }));
    expect(deleteAfterMs(young, 30_000, NOW)).toBe(NOW);
  });
});
