import { setTimeout as pause } from 'node:timers/promises';

import { onlyContainer, type ApiPod } from './api-pod.js';
import type { ContainerLog } from './container-log.js';
import type { ContainerRun } from './container-run.js';
import type { Fate } from './fates.js';
import type { KubeletParts } from './kubelet-parts.js';
import { newContainerId, type PodFacts, type Termination } from './pod-status-report.js';
import { probe } from './probing.js';

const LINES_OF_A_MESSAGE = 80;

export interface Surroundings {
  pod: ApiPod;
  parts: KubeletParts;
  facts: PodFacts;
  /** Stands for the pod's /tmp. */
  folder: string;
  address: string;
  report: () => void;
}

/** The container of one pod: run after run, as its restart policy says. */
export class ContainerLife {
  current?: ContainerRun;
  /** Of all runs so far, the latest last. */
  readonly logs: ContainerLog[] = [];
  private crashes = 0;
  private crashesOrdered = 0;
  private reasonOfEnd?: string;

  constructor(private readonly around: Surroundings) {}

  /** Resolves when it is not to run any more: its signal has fired, or its policy says so. */
  async keepRunning(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.whileHeldBack(signal);
      if (signal.aborted) return;
      const exitCode = await this.runOnce(signal);
      if (signal.aborted || this.isAtItsEnd(exitCode)) return;
      await this.backOff(signal);
    }
  }

  kill(reason?: string): void {
    this.reasonOfEnd = reason;
    this.current?.signal('SIGKILL');
  }

  async end(graceMs: number): Promise<void> {
    const run = this.current;
    if (!run) return;
    const late = new AbortController();
    if (graceMs > 0) run.signal('SIGTERM');
    void pause(graceMs, undefined, { signal: late.signal }).then(
      () => run.signal('SIGKILL'),
      () => undefined,
    );
    await run.exitCode;
    late.abort();
  }

  /** Until its image is there, its configuration is right, or whatever else is lacking. */
  private async whileHeldBack(signal: AbortSignal): Promise<void> {
    const { parts, pod } = this.around;
    for (let said: string | undefined; !signal.aborted;) {
      const { waiting, message } = parts.fates.of(pod);
      if (waiting === undefined) return;
      if (waiting !== said) this.wait(waiting, message);
      said = waiting;
      await parts.fates.change(signal);
    }
  }

  private async runOnce(signal: AbortSignal): Promise<number> {
    const fate = this.fateOfNextRun();
    const run = this.begin(fate);
    const over = new AbortController();
    const probing = this.probe(fate, over.signal);
    const exitCode = await run.exitCode;
    over.abort();
    await probing;
    await this.around.parts.untilThere();
    this.takeDown(run, exitCode);
    if (!signal.aborted) this.around.report();
    return exitCode;
  }

  private fateOfNextRun(): Fate {
    const fate = this.around.parts.fates.of(this.around.pod);
    if (!fate.crashes) return fate;
    this.crashesOrdered += 1;
    return this.crashesOrdered > fate.crashes.times ? {} : fate;
  }

  private begin(fate: Fate): ContainerRun {
    const { pod, address, folder, facts, parts, report } = this.around;
    const run = parts.startRun({ pod, address, folder, fate });
    const isUp = !parts.isReal && !fate.crashes && !fate.silent;
    const { container } = facts;
    if (this.current) container.restartCount += 1;
    container.id = newContainerId();
    container.state = { running: { startedAt: run.startedAt } };
    container.isStarted = isUp;
    container.isReady = isUp;
    this.current = run;
    this.logs.push(run.log);
    report();
    return run;
  }

  private async probe(fate: Fate, signal: AbortSignal): Promise<void> {
    const { pod, address, facts, parts, report } = this.around;
    if (!parts.isReal) return;
    const { container } = facts;
    const show = (shown: { isStarted?: true; isReady?: boolean }): void => {
      Object.assign(container, shown);
      report();
    };
    await probe({
      container: onlyContainer(pod),
      address,
      ...parts.probing,
      delayMs: fate.slow?.readyMs ?? 0,
      signal,
      started: () => show({ isStarted: true }),
      ready: (isReady) => show({ isReady }),
      startupFailed: () => {
        parts.record(pod, 'Unhealthy', 'Startup probe failed');
        void this.end(parts.longestGraceMs);
      },
    });
  }

  private takeDown(run: ContainerRun, exitCode: number): void {
    const { pod, facts } = this.around;
    const isTold = onlyContainer(pod).terminationMessagePolicy === 'FallbackToLogsOnError' && exitCode !== 0;
    const terminated: Termination = {
      exitCode,
      reason: this.reasonOfEnd ?? (exitCode === 0 ? 'Completed' : 'Error'),
      ...(isTold && { message: run.log.last(LINES_OF_A_MESSAGE) }),
      startedAt: run.startedAt,
      finishedAt: new Date(),
      containerID: facts.container.id,
    };
    this.reasonOfEnd = undefined;
    Object.assign(facts.container, { state: { terminated }, isReady: false, isStarted: false });
  }

  private isAtItsEnd(exitCode: number): boolean {
    const { pod, facts, report } = this.around;
    const { restartPolicy } = pod.spec;
    if (restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && exitCode !== 0)) return false;
    facts.end = { phase: exitCode === 0 ? 'Succeeded' : 'Failed' };
    report();
    return true;
  }

  /** As configured, the first restart comes at once and later ones after longer and longer waits. */
  private async backOff(signal: AbortSignal): Promise<void> {
    const { pod, facts, parts } = this.around;
    const { stepsMs, resetMs } = parts.backOff;
    if (Date.now() - this.current!.startedAt.getTime() >= resetMs) this.crashes = 0;
    const waitMs = stepsMs[Math.min(this.crashes, stepsMs.length - 1)]!;
    this.crashes += 1;
    if ('terminated' in facts.container.state) facts.container.lastTermination = facts.container.state.terminated;
    if (waitMs === 0) return;
    const { name, namespace, uid } = pod.metadata;
    const container = `container=${onlyContainer(pod).name} pod=${name}_${namespace}(${uid})`;
    this.wait('CrashLoopBackOff', `back-off ${waitMs}ms restarting failed ${container}`);
    await pause(waitMs, undefined, { signal }).catch(() => undefined);
  }

  private wait(reason: string, message?: string): void {
    const { pod, facts, parts, report } = this.around;
    const { container } = facts;
    if ('terminated' in container.state) container.lastTermination = container.state.terminated;
    container.state = { waiting: { reason, ...(message && { message }) } };
    report();
    parts.record(pod, reason === 'CrashLoopBackOff' ? 'BackOff' : 'Failed', message ?? reason);
  }
}
