import { pause, type Clock } from '../../../platform/clock.js';
import { asKubernetesError, KubernetesError } from '../../../platform/kubernetes/kubernetes-errors.js';
import type { Query } from '../../../platform/kubernetes/kubernetes-client.js';
import type { Pod } from '../pod.js';
import type { LogOptions } from '../session-runtime.js';
import { outcomeOfChange, unavailable } from './create-outcome.js';
import { lastEndedRun } from './crash-count.js';
import type { PodApi } from './pod-api.js';
import { CONTAINER, containerOf, type PodObject } from './pod-object.js';

const LOOK_EVERY_MS = 500;
const NOT_YET = 400;
/** What is there comes without a pause, unless it is followed. */
const LONGEST_PAUSE_MS = 10_000;

interface Position {
  /** The last run that was shown; -1: none yet. */
  run: number;
  leftAtMs: number;
}

/**
 * What a pod printed. The API server shows one run of its container at a time, and a stream ends with the run or when
 * something on the way breaks it. Who follows goes on with the next run, or with what was printed in the last second
 * before the break, which may then be there twice.
 */
export class PodLog {
  constructor(
    private readonly api: Pick<PodApi, 'log' | 'get'>,
    private readonly clock: Clock,
  ) {}

  async *read(pod: Pod, { follow, tailLines, signal }: LogOptions): AsyncGenerator<Uint8Array> {
    const query = { container: CONTAINER, tailLines };
    if (follow) yield* this.follow(pod, { ...query, follow: true }, signal);
    else if (await this.find(pod)) yield* this.withoutPause(pod, query, signal);
  }

  /** A connection may freeze in the middle; only silence tells. */
  private async *withoutPause(pod: Pod, query: Query, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const frozen = new AbortController();
    const pieces = this.stretch(pod, query, AbortSignal.any([signal, frozen.signal]));
    for (;;) {
      const timer = this.clock.after(LONGEST_PAUSE_MS, () => frozen.abort());
      const piece = await pieces.next().finally(() => timer.cancel());
      if (frozen.signal.aborted) throw unavailable('show the log of a pod', new KubernetesError('The log has frozen.'));
      if (piece.done) return;
      yield piece.value;
    }
  }

  private async *follow(pod: Pod, first: Query, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let shown: Position = { run: -1, leftAtMs: 0 };
    while (!signal.aborted) {
      const object = await this.find(pod);
      if (!object || isOver(object, shown)) return;
      const run = runToShow(object, shown);
      if (run !== undefined) {
        yield* this.stretch(pod, { ...first, ...this.from(run, shown) }, signal);
        shown = { run, leftAtMs: this.clock.monotonicMs() };
      }
      await pause(this.clock, LOOK_EVERY_MS, signal);
    }
  }

  /** The first run as was asked for, a later one from its beginning, a broken stream from where it broke. */
  private from(run: number, shown: Position): Query {
    if (shown.run === -1) return {};
    if (run > shown.run) return { tailLines: undefined };
    const seconds = Math.ceil((this.clock.monotonicMs() - shown.leftAtMs) / 1_000);
    return { tailLines: undefined, sinceSeconds: Math.max(1, seconds) };
  }

  /** Undefined: it is gone, also where another has its name. */
  private async find({ name, uid }: Pod): Promise<PodObject | undefined> {
    try {
      const object = await this.api.get(name);
      return object.metadata?.uid === uid ? object : undefined;
    } catch (error) {
      outcomeOfChange(asKubernetesError(error), 'show a pod');
      return undefined;
    }
  }

  /** Ends with the stream. A container that has not printed yet has no log, and is no failure. */
  private async *stretch({ name }: Pod, query: Query, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* await this.api.log(name, query, signal);
    } catch (error) {
      const known = asKubernetesError(error);
      if (signal.aborted || query.follow || known.status === NOT_YET || known.status === 404) return;
      throw unavailable('show the log of a pod', known);
    }
  }
}

/** Nothing will be printed that was not shown. */
function isOver({ metadata, status }: PodObject, shown: Position): boolean {
  const isEnding = metadata?.deletionTimestamp !== undefined || ['Failed', 'Succeeded'].includes(status?.phase ?? '');
  return isEnding && shown.run >= 0;
}

/** A run that goes on, or one that has ended and was not shown; undefined: none for now. */
function runToShow(object: PodObject, shown: Position): number | undefined {
  const { restartCount = 0, state } = containerOf(object) ?? {};
  if (state?.running) return restartCount;
  const ended = lastEndedRun(object)?.run;
  return ended !== undefined && ended > shown.run ? ended : undefined;
}
