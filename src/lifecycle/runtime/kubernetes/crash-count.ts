import { STEADY_AFTER_MS } from '../../deadlines.js';
import { containerOf, msOf, type PodObject, type Termination } from './pod-object.js';

/** A run of the container that has ended; the first one of a pod is number 0. */
export interface EndedRun {
  run: number;
  how: Termination;
}

/** What is carried from one look at a pod to the next. */
export interface CrashCount {
  /** The last run that is counted; -1: none. */
  lastRun: number;
  lastEndMs: number;
  /** Ended runs in a row that were not steady. */
  shortRuns: number;
  /** Once it is, it stays: by then another pod takes its place. */
  isLooping: boolean;
}

const RUNS_OF_A_LOOP = 3;

/**
 * The third time that the container ends without a steady run between is a crash loop. Runs that ended unseen (a replica
 * that has just come, a gap in the watch) are counted only where the times that the object shows prove them short.
 */
export function nextCrashCount(object: PodObject, before: CrashCount = noneOf(object)): CrashCount {
  const ended = lastEndedRun(object);
  if (!ended || ended.run <= before.lastRun || object.metadata?.deletionTimestamp !== undefined) return before;
  const shortRuns = isShort(ended, object) ? 1 + shortBefore(ended, before) : 0;
  return {
    lastRun: ended.run,
    lastEndMs: msOf(ended.how.finishedAt) ?? before.lastEndMs,
    shortRuns,
    isLooping: before.isLooping || shortRuns >= RUNS_OF_A_LOOP,
  };
}

export function lastEndedRun(object: PodObject): EndedRun | undefined {
  const { restartCount = 0, state, lastState } = containerOf(object) ?? {};
  if (state?.terminated) return { run: restartCount, how: state.terminated };
  if (!lastState?.terminated) return undefined;
  return { run: state?.running ? Math.max(restartCount - 1, 0) : restartCount, how: lastState.terminated };
}

/** A run that never began has a beginning in 1970; one without an end, lost with its node, proves nothing. */
function isShort({ how }: EndedRun, object: PodObject): boolean {
  const [startedAtMs, finishedAtMs] = [msOf(how.startedAt) ?? 0, msOf(how.finishedAt)];
  if (finishedAtMs === undefined) return false;
  return startedAtMs < createdAtMs(object) || finishedAtMs - startedAtMs < STEADY_AFTER_MS;
}

function shortBefore({ run, how }: EndedRun, before: CrashCount): number {
  const unseen = run - before.lastRun - 1;
  if (unseen === 0) return before.shortRuns;
  const endMs = msOf(how.finishedAt) ?? Infinity;
  return endMs - before.lastEndMs < STEADY_AFTER_MS ? before.shortRuns + unseen : 0;
}

function noneOf(object: PodObject): CrashCount {
  const beginMs = msOf(object.status?.startTime) ?? createdAtMs(object);
  return { lastRun: -1, lastEndMs: beginMs, shortRuns: 0, isLooping: false };
}

function createdAtMs({ metadata }: PodObject): number {
  return msOf(metadata?.creationTimestamp) ?? 0;
}
