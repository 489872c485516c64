import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import type { ApiPod } from './api-pod.js';
import { ContainerLife } from './container-life.js';
import type { KubeletParts } from './kubelet-parts.js';
import { nextPodAddress } from './pod-address.js';
import { bind, removeForGood, sayUnschedulable } from './pod-calls.js';
import type { PodFacts, Termination } from './pod-status-report.js';
import { StatusReporter } from './status-reporter.js';

/** State is written through to the disk with each execute; here it has no machine to survive. */
const FOLDERS = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const DEFAULT_GRACE_SECONDS = 30;
const NEVER_SEEN: Termination = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
};

/** One pod of the test kubelet, from its arrival to its end. */
export class PodLife {
  readonly facts: PodFacts = {
    startTime: new Date(),
    container: {
      state: { waiting: { reason: 'ContainerCreating' } },
      restartCount: 0,
      isStarted: false,
      isReady: false,
    },
  };
  container?: ContainerLife;
  private readonly reporter: StatusReporter;
  private readonly ending = new AbortController();
  private living: Promise<void> = Promise.resolve();
  private folder?: string;
  private isLeaving = false;

  constructor(
    public pod: ApiPod,
    private readonly parts: KubeletParts,
  ) {
    this.reporter = new StatusReporter(pod, parts);
  }

  start(): void {
    this.living = this.live().catch((error: unknown) => this.parts.failed(error));
  }

  /** A newer version of the pod. */
  update(pod: ApiPod): void {
    this.pod = pod;
    if (!pod.metadata.deletionTimestamp || this.isLeaving) return;
    this.isLeaving = true;
    this.leave().catch((error: unknown) => this.parts.failed(error));
  }

  /** Ends as on a node that runs out of something. */
  async evict(message: string): Promise<void> {
    await this.endContainer(0);
    this.facts.end = { phase: 'Failed', reason: 'Evicted', message };
    await this.disrupt('TerminationByKubelet', message);
    this.parts.record(this.pod, 'Evicted', message);
  }

  async disrupt(reason: string, message: string): Promise<void> {
    this.facts.disruption = { reason, message };
    this.report();
    await this.reporter.flush();
  }

  /** The pod is gone, or the kubelet stops: nothing is left of it, and nothing more is said. */
  async vanish(): Promise<void> {
    this.reporter.stop();
    await this.endContainer(0);
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }

  private async live(): Promise<void> {
    if (!(await this.settle())) return;
    await this.hold();
    if (this.ending.signal.aborted) return;
    const { pod, parts, facts } = this;
    this.folder = parts.isReal ? mkdtempSync(join(FOLDERS, 'berth-pod-')) : undefined;
    const address = nextPodAddress();
    facts.address = address;
    const report = (): void => this.report();
    this.container = new ContainerLife({ pod, parts, facts, address, folder: this.folder ?? '', report });
    await this.container.keepRunning(this.ending.signal);
  }

  /** On this node at last; false: never. */
  private async settle(): Promise<boolean> {
    const isOver = (): boolean => this.ending.signal.aborted;
    await this.whileFated('unschedulable', (message) => sayUnschedulable(this.parts, this.pod, message));
    const isOurs = this.pod.spec.nodeName === this.parts.nodeName || (await bind(this.parts, this.pod, isOver));
    this.facts.startTime = new Date();
    return isOurs && !isOver();
  }

  /** The time before the pod has a network. */
  private async hold(): Promise<void> {
    if (this.parts.isReal) this.report();
    await this.whileFated('stuckCreating', (message) => this.parts.record(this.pod, 'FailedMount', message));
    const { startMs = 0 } = this.parts.fates.of(this.pod).slow ?? {};
    await pause(startMs, undefined, { signal: this.ending.signal }).catch(() => undefined);
  }

  private async whileFated(
    kind: 'unschedulable' | 'stuckCreating',
    say: (message: string) => void | Promise<void>,
  ): Promise<void> {
    for (let said: string | undefined; !this.ending.signal.aborted;) {
      const message = this.parts.fates.of(this.pod)[kind];
      if (message === undefined) return;
      // Saying takes time in which the fate may have changed: it is looked at again before anything is waited for.
      if (message === said) await this.parts.fates.change(this.ending.signal);
      else await say((said = message));
    }
  }

  /** Its deletion was ordered: the container gets its grace, then the pod is removed for good. */
  private async leave(): Promise<void> {
    const { deletionGracePeriodSeconds = DEFAULT_GRACE_SECONDS } = this.pod.metadata;
    await this.endContainer(Math.min(deletionGracePeriodSeconds * 1_000, this.parts.longestGraceMs));
    const { container } = this.facts;
    if (!('terminated' in container.state)) container.state = { terminated: container.lastTermination ?? NEVER_SEEN };
    const { exitCode } = container.state.terminated;
    this.facts.end ??= { phase: exitCode === 0 ? 'Succeeded' : 'Failed' };
    if (this.parts.isReal) this.report();
    await this.reporter.flush();
    await removeForGood(this.parts, this.pod);
  }

  private async endContainer(graceMs: number): Promise<void> {
    this.ending.abort();
    await this.container?.end(graceMs);
    await this.living;
  }

  private report(): void {
    this.reporter.report(this.facts);
  }
}
