import type { KnownPods } from './known-pods.js';
import type { PodApi } from './pod-api.js';
import { CONTAINER, containerOf, type PodObject } from './pod-object.js';

const LAST_LINES = 20;
const MOST_BYTES_READ = 16 * 1_024;
const MOST_BYTES_KEPT = 2 * 1_024;

/** Reads, once for a pod, what its container printed before it ended for the last time. */
export class LastWords {
  private readonly reading = new Map<string, Promise<void>>();

  constructor(
    private readonly api: Pick<PodApi, 'logText'>,
    private readonly known: KnownPods,
  ) {}

  /** Resolves when they are known, or known to be unreadable. */
  read(object: PodObject): Promise<void> {
    const { uid = '', name = '' } = object.metadata ?? {};
    const reading =
      this.reading.get(uid) ??
      this.lastLines(name, object)
        .then((lines) => this.known.printed(uid, lines))
        .finally(() => this.reading.delete(uid));
    this.reading.set(uid, reading);
    return reading;
  }

  /**
   * The run that has ended is the previous one as soon as the next goes on, which may happen between the look at the pod
   * and the question for its log: where one has printed nothing, the other is asked for.
   */
  private async lastLines(name: string, object: PodObject): Promise<string> {
    const isPrevious = containerOf(object)?.state?.running !== undefined;
    const ask = (previous: boolean): Promise<string> => this.linesOf(name, previous).catch(() => '');
    return (await ask(isPrevious)) || (await ask(!isPrevious));
  }

  private async linesOf(name: string, previous: boolean): Promise<string> {
    const limits = { tailLines: LAST_LINES, limitBytes: MOST_BYTES_READ };
    const text = await this.api.logText(name, { container: CONTAINER, previous, ...limits });
    return Buffer.from(text).subarray(-MOST_BYTES_KEPT).toString().trim();
  }
}
