import type { Logger } from '../../../platform/logger.js';
import type { Pod } from '../pod.js';
import type { HealthAsking, HealthTarget } from './health-asking.js';
import type { KnownPods } from './known-pods.js';
import type { LastWords } from './last-words.js';
import type { EventObject, PodApi } from './pod-api.js';
import { msOf, type PodObject } from './pod-object.js';
import { healthOf, mayAnswer, runOf } from './pod-status.js';
import { isBelieved, podOf } from './pod-view.js';
import { withoutAddresses } from '../../../platform/plain-words.js';

const MOST_COMPLAINTS = 1_000;

/** The one place where an object of the API server becomes a pod of the port, wherever it was seen. */
export class PodSight {
  private readonly complained = new Set<string>();

  constructor(
    private readonly known: KnownPods,
    private readonly asking: HealthAsking,
    private readonly lastWords: LastWords,
    private readonly api: Pick<PodApi, 'warnings'>,
    private readonly logger: Logger,
  ) {}

  show(object: PodObject): Pod {
    const { isAwaited, crashes, ...known } = this.known.learn(object);
    const pod = podOf(object, { crashes, ...known });
    this.asking.consider(pod.uid, isAwaited ? targetOf(object, pod) : undefined);
    if (crashes.isLooping && known.lastWords === undefined) void this.lastWords.read(object);
    if (!isBelieved(pod)) this.complain(pod);
    return pod;
  }

  /** For one who waits for this pod: from now on it is asked whether it can be reached. */
  showAwaited(object: PodObject): Pod {
    this.known.expect(object);
    return this.show(object);
  }

  /** With all that can be found out about why it does not start. */
  async showFully(object: PodObject): Promise<Pod> {
    const { crashes, lastWords } = this.known.learn(object);
    if (crashes.isLooping && lastWords === undefined) await this.lastWords.read(object);
    const pod = this.showAwaited(object);
    if (pod.phase !== 'starting' || pod.failure || pod.deleting) return pod;
    const failure = await this.warningOf(pod);
    return failure ? { ...pod, failure } : pod;
  }

  forget(uid: string): void {
    this.asking.leave(uid);
    this.known.forget(uid);
    this.complained.delete(uid);
  }

  /** Some reasons (a volume, the sandbox) are told in events alone, which Berth may not be allowed to read. */
  private async warningOf({ uid }: Pod): Promise<Pod['failure']> {
    const warnings = await this.api.warnings(uid).catch(() => []);
    const newest = [...warnings].sort((one, other) => whenMs(other) - whenMs(one))[0];
    if (!newest) return undefined;
    return { reason: newest.reason ?? 'Warning', message: withoutAddresses(newest.message ?? '') };
  }

  private complain({ uid, name }: Pod): void {
    if (this.complained.has(uid)) return;
    if (this.complained.size >= MOST_COMPLAINTS) this.complained.clear();
    this.complained.add(uid);
    this.logger.warn(
      { event: 'kubernetes.pod_unbelievable', pod: name },
      'A pod that is labelled as ours contradicts itself or is of a later version: it serves nobody here and is left alone.',
    );
  }
}

/** Undefined: there is nothing to find out, or nothing that could answer. */
function targetOf(object: PodObject, { phase, deleting, markedUntilMs }: Pod): HealthTarget | undefined {
  const [host, health] = [object.status?.podIP, healthOf(object)];
  const isStarting = phase === 'starting' || phase === 'restarting';
  if (!host || !health || !isStarting || !mayAnswer(object)) return undefined;
  return deleting || markedUntilMs !== undefined ? undefined : { host, ...health, run: runOf(object) };
}

function whenMs({ series, lastTimestamp, eventTime, metadata }: EventObject): number {
  const moment = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata?.creationTimestamp;
  return msOf(moment) ?? 0;
}
