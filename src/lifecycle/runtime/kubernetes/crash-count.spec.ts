import { at, podObject, podWithContainer } from '../../../../test/support/pod-objects.js';
import { type CrashCount, nextCrashCount } from './crash-count.js';
import type { ContainerStatus, PodObject, Termination } from './pod-object.js';

/** [began, ended] of each run that has ended, in seconds since the pod was created. */
type Runs = readonly (readonly [number, number])[];

function ended([began, end]: readonly [number, number], facts: Partial<Termination> = {}): Termination {
  return { exitCode: 7, reason: 'Error', startedAt: at(began), finishedAt: at(end), ...facts };
}

/** As the kubelet shows it right after the last of these runs has ended. */
function justEnded(runs: Runs): PodObject {
  const [previous, last] = [runs.at(-2), runs.at(-1)!];
  return podWithContainer({
    restartCount: runs.length - 1,
    state: { terminated: ended(last) },
    ...(previous && { lastState: { terminated: ended(previous) } }),
  });
}

/** While it waits to be started again. */
function waiting(runs: Runs, facts: Partial<ContainerStatus> = {}): PodObject {
  return podWithContainer({
    restartCount: runs.length - 1,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: ended(runs.at(-1)!) },
    ...facts,
  });
}

/** The next run goes on. */
function running(runs: Runs): PodObject {
  return podWithContainer({
    restartCount: runs.length,
    state: { running: { startedAt: at(runs.at(-1)![1]) } },
    lastState: { terminated: ended(runs.at(-1)!) },
  });
}

function afterAll(objects: readonly PodObject[]): CrashCount {
  return objects.reduce<CrashCount | undefined>((before, object) => nextCrashCount(object, before), undefined)!;
}

const QUICK: Runs = [
  [1, 2],
  [2, 3],
  [13, 14],
];
const LATE: Runs = [
  [100, 101],
  [101, 102],
  [112, 113],
];
const STEADY_BETWEEN: Runs = [
  [1, 2],
  [2, 62],
  [62, 63],
  [73, 74],
];

describe('the count of crashes', () => {
  it('is of nothing before a run has ended', () => {
    for (const object of [podObject(), podWithContainer({ state: { running: { startedAt: at(1) } } })]) {
      expect(nextCrashCount(object)).toMatchObject({ shortRuns: 0, isLooping: false });
    }
  });

  it.each<[string, PodObject[], number, boolean]>([
    ['one run', [justEnded(LATE.slice(0, 1))], 1, false],
    ['two runs', [justEnded(LATE.slice(0, 1)), justEnded(LATE.slice(0, 2))], 2, false],
    ['three runs', [1, 2, 3].map((runs) => justEnded(LATE.slice(0, runs))), 3, true],
    ['three runs, seen while it waited', [1, 2, 3].map((runs) => waiting(LATE.slice(0, runs))), 3, true],
    ['three runs, seen while the next went on', [1, 2, 3].map((runs) => running(LATE.slice(0, runs))), 3, true],
    [
      'the same run, shown in each way',
      [justEnded(LATE.slice(0, 1)), waiting(LATE.slice(0, 1)), running(LATE.slice(0, 1))],
      1,
      false,
    ],
    ['a steady run between', [1, 2, 3, 4].map((runs) => justEnded(STEADY_BETWEEN.slice(0, runs))), 2, false],
    ['an older look after a newer', [justEnded(LATE.slice(0, 2)), justEnded(LATE.slice(0, 1))], 1, false],
  ])('after %s', (_, objects, shortRuns, isLooping) => {
    expect(afterAll(objects)).toMatchObject({ shortRuns, isLooping });
  });

  it('of a run of 59 s goes on, and of one of 60 s begins anew', () => {
    const first = justEnded([[0, 1]]);
    expect(afterAll([first, justEnded([[0, 1], [1, 60]])])).toMatchObject({ shortRuns: 2 }); // prettier-ignore
    expect(afterAll([first, justEnded([[0, 1], [1, 61]])])).toMatchObject({ shortRuns: 0 }); // prettier-ignore
  });

  describe('of one who sees the pod for the first time', () => {
    it('is what the times prove: all runs fitted into less than a steady one', () => {
      for (const look of [justEnded, waiting, running]) {
        expect(nextCrashCount(look(QUICK))).toMatchObject({ shortRuns: 3, isLooping: true });
      }
    });

    it('is else of the last run alone', () => {
      expect(nextCrashCount(waiting(LATE))).toMatchObject({ lastRun: 2, shortRuns: 1, isLooping: false });
      expect(nextCrashCount(waiting(STEADY_BETWEEN))).toMatchObject({ lastRun: 3, shortRuns: 1, isLooping: false });
    });
  });

  it('counts runs that were missed only where they must have been short', () => {
    const first = justEnded(LATE.slice(0, 1));
    expect(afterAll([first, waiting(LATE)])).toMatchObject({ shortRuns: 3, isLooping: true });
    const long: Runs = [[100, 101], [101, 161], [161, 162]]; // prettier-ignore
    expect(afterAll([first, waiting(long)])).toMatchObject({ shortRuns: 1, isLooping: false });
  });

  it('stays a loop, whatever comes then', () => {
    const again = running([...LATE, [140, 300]]);
    expect(afterAll([...[1, 2, 3].map((runs) => waiting(LATE.slice(0, runs))), again]).isLooping).toBe(true);
  });

  /** containerd gives a container that could not be started the beginning of Unix time as its own. */
  it('counts a run that never began', () => {
    const never = { reason: 'StartError', startedAt: '1970-01-01T00:00:00Z', finishedAt: at(2_000) };
    const object = podWithContainer({ state: { terminated: { exitCode: 128, ...never } } });
    expect(nextCrashCount(object)).toMatchObject({ shortRuns: 1 });
  });

  it('does not count a run that was lost with its node', () => {
    const lost = { exitCode: 137, reason: 'ContainerStatusUnknown' };
    const object = podWithContainer({ restartCount: 1, lastState: { terminated: lost }, state: { waiting: {} } });
    expect(nextCrashCount(object, nextCrashCount(justEnded([[0, 1]])))).toMatchObject({ shortRuns: 0 });
  });

  it('does not count what ends because the pod is deleted', () => {
    const object = justEnded(QUICK);
    const deleted = { ...object, metadata: { ...object.metadata, deletionTimestamp: at(14) } };
    expect(nextCrashCount(deleted)).toMatchObject({ shortRuns: 0, isLooping: false });
  });
});
