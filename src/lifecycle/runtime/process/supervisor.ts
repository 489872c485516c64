import { existsSync } from 'node:fs';

import { pause, type Clock } from '../../../platform/clock.js';
import type { Logger } from '../../../platform/logger.js';
import type { Pod } from '../pod.js';
import type { MemoryWatch } from './memory-watch.js';
import { OutputRing } from './output-ring.js';
import { whyNotStart, type Launch } from './pod-launch.js';
import { startPodProcess, type PodProcess } from './pod-process.js';
import { untilReady } from './readiness.js';
import { afterRun } from './restart-decision.js';
import { failureOfCrashLoop, failureOfRun, type PodFailure, type Run } from './run-failure.js';
import type { StartQueue } from './start-queue.js';

/** Before this a pod that does not answer is simply starting. */
const SLOW_START_MS = 3_000;
const LAST_LINES = 30;

export type Shown = Pick<Pod, 'phase'> & Partial<Pick<Pod, 'restarts' | 'failure' | 'crashed'>>;

export interface SupervisorParts {
  clock: Clock;
  log: Logger;
  memory: MemoryWatch;
  queue: StartQueue;
  show: (shown: Shown) => void;
}

/**
 * Keeps the process of one pod running, as a kubelet keeps a container: same port, same folder, run after run, until it
 * crashes in a loop, its folder has vanished, or its end is ordered. A pod that has been ready is not asked again: a
 * slow pod is not a dead one.
 */
export class Supervisor {
  readonly output = new OutputRing();
  private readonly ending = new AbortController();
  private current?: PodProcess;
  private done: Promise<void> = Promise.resolve();
  private restarts = 0;
  private phase: Pod['phase'] = 'starting';
  private shownFailure?: string;
  private isStateLost = false;

  constructor(
    private readonly launch: Launch,
    private readonly parts: SupervisorParts,
  ) {}

  start(): void {
    this.done = this.keepRunning()
      .catch((error: unknown) => {
        this.parts.log.error({ event: 'process_runtime.supervision_failed', error }, 'the supervision of a pod failed');
        this.giveUp({ reason: 'SupervisionFailed', message: String(error) }, false);
      })
      .finally(() => this.output.end());
  }

  /** Asks the pod to end and kills it after the grace. Resolves when no process of it is left. */
  async end(graceMs: number): Promise<void> {
    this.ending.abort();
    this.current?.signalGroup('SIGTERM');
    const timer = this.parts.clock.after(graceMs, () => this.current?.signalGroup('SIGKILL'));
    await this.done;
    timer.cancel();
  }

  /** Somebody saw the state folder vanish. If it has, the files of this pod are gone for good, and so is the pod. */
  checkFolder(): void {
    if (!this.hasFolder()) this.current?.signalGroup('SIGKILL');
  }

  private async keepRunning(): Promise<void> {
    let restartsInARow = 0;
    for (;;) {
      const run = await this.runInTurn();
      if (run === undefined || this.ending.signal.aborted) return;
      if (!this.hasFolder()) return this.giveUp(STATE_LOST, false);
      if ('reason' in run) return this.giveUp(run, true);
      const failure = failureOfRun(run, this.launch.memoryLimitBytes);
      const after = afterRun({ restartsInARow, readyForMs: run.readyForMs });
      if (after.next === 'give-up') return this.giveUp(this.crashLoop(failure), true);
      restartsInARow = after.restartsInARow;
      this.show({ phase: 'restarting', restarts: ++this.restarts, failure });
      this.output.append(Buffer.from(`[berth] ${failure.message} It is started again.\n`));
      await pause(this.parts.clock, after.pauseMs, this.ending.signal);
    }
  }

  /** A run from start to end, why there cannot be one, or undefined when the end came first. */
  private async runInTurn(): Promise<Run | PodFailure | undefined> {
    const started = await this.parts.queue.start(() => this.startProcess(), this.restarts > 0, this.ending.signal);
    return started === undefined || 'reason' in started ? started : this.runOnce(started);
  }

  private startProcess(): PodProcess | PodFailure {
    const unable = this.hasFolder() ? whyNotStart(this.launch) : STATE_LOST;
    if (unable) return unable;
    this.current = startPodProcess({
      ...this.launch,
      clock: this.parts.clock,
      onOutput: (chunk) => this.output.append(chunk),
    });
    return this.current;
  }

  private async runOnce(process: PodProcess): Promise<Run> {
    const { clock } = this.parts;
    const run = new AbortController();
    let overBytes: number | undefined;
    const unwatch = this.limitMemory(process, (bytes) => (overBytes = bytes));
    let readySinceMs: number | undefined;
    void this.untilReady(run.signal).then((isReady) => {
      if (!isReady || run.signal.aborted) return;
      readySinceMs = clock.monotonicMs();
      this.show({ phase: 'ready', failure: undefined });
    });
    const exit = await process.exited;
    run.abort();
    unwatch();
    return { exit, overBytes, readyForMs: readySinceMs === undefined ? 0 : clock.monotonicMs() - readySinceMs };
  }

  private untilReady(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.parts;
    const { port, healthPath } = this.launch;
    return untilReady({ clock, port, healthPath, signal }, (words, sinceMs) => {
      if (sinceMs < SLOW_START_MS || words === this.shownFailure) return;
      this.show({
        phase: this.phase,
        failure: { reason: 'NotReady', message: `GET ${healthPath} on port ${port} ${words}.` },
      });
      this.shownFailure = words;
    });
  }

  private limitMemory(process: PodProcess, exceeded: (bytes: number) => void): () => void {
    const { memoryLimitBytes } = this.launch;
    if (memoryLimitBytes === undefined || process.pid === undefined) return () => undefined;
    return this.parts.memory.watch(process.pid, memoryLimitBytes, (bytes) => {
      exceeded(bytes);
      process.signalGroup('SIGKILL');
    });
  }

  private crashLoop(last: PodFailure): PodFailure {
    return failureOfCrashLoop(last, this.output.lastLines(LAST_LINES));
  }

  private giveUp(failure: PodFailure, crashed: boolean): void {
    this.show({ phase: 'dead', crashed, failure });
  }

  private show(shown: Shown): void {
    this.phase = shown.phase;
    this.shownFailure = undefined;
    this.parts.show(shown);
  }

  /** Once seen to be gone it stays gone: a folder that the pod makes anew has lost what was in it. */
  private hasFolder(): boolean {
    this.isStateLost ||= !existsSync(this.launch.folder);
    return !this.isStateLost;
  }
}

const STATE_LOST: PodFailure = {
  reason: 'StateLost',
  message: 'The state folder of the pod has vanished, and with it all that the session kept there.',
};
