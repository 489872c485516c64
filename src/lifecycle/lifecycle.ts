import { Leadership } from '../leadership/leadership.js';
import { Clock } from '../platform/clock.js';
import { Logger } from '../platform/logger.js';
import { Admissions } from './admission/admissions.js';
import { Contact } from './admission/contact.js';
import { InUse } from './admission/in-use.js';
import { PodWitness } from './admission/pod-witness.js';
import { WaitingRoom } from './admission/waiting-room.js';
import { CreationLimiter } from './driving/creation-limiter.js';
import { HeldBackStarts } from './driving/held-back.js';
import { PodMaking } from './driving/pod-making.js';
import { PodRemoval } from './driving/pod-removal.js';
import { SessionDriver } from './driving/session-driver.js';
import { StepTaker } from './driving/step-taker.js';
import { StrayRemoval } from './driving/stray-removal.js';
import { Calm } from './leading/calm.js';
import { ImportTask } from './leading/import.task.js';
import { type PassTimers, RepeatedPass } from './leading/leader-pass.js';
import { ReaperTask } from './leading/reaper.task.js';
import { ReconcileTask } from './leading/reconcile.task.js';
import { WarmPoolTask } from './leading/warm-pool.task.js';
import { LifecycleError } from './lifecycle.errors.js';
import { LifecycleMetrics } from './lifecycle.metrics.js';
import type { Pod } from './runtime/pod.js';
import { SessionRuntime } from './runtime/session-runtime.js';
import type { SessionId } from './session-id.js';
import { SessionsService } from './sessions.service.js';
import { SessionStore } from './store/session-store.js';
import { Templates } from './templates/templates.js';
import { DirectoryRefresh } from './view/directory-refresh.js';
import { PodDirectory } from './view/pod-directory.js';
import { SessionDirectory } from './view/session-directory.js';
import { SessionJournal } from './view/session-journal.js';
import { SessionViews } from './view/session-views.js';

export interface LifecycleTiming {
  startTimeoutMs: number;
  drainMs: number;
  cleanupEveryMs: number;
  maxConcurrentCreations: number;
  maxPendingRequests: number;
}

export interface LifecycleParts {
  store: SessionStore;
  runtime: SessionRuntime;
  leadership: Leadership;
  templates: Templates;
  timing: LifecycleTiming;
  metrics: LifecycleMetrics;
  timers: PassTimers;
  clock: Clock;
  logger: Logger;
}

/**
 * One replica's lifecycle core, put together in one place without a framework: the product gives it real parts, a
 * simulation can give it others. Started before requests are let in, stopped after the last one has left.
 */
export class Lifecycle {
  readonly directory: SessionDirectory;
  readonly pods: PodDirectory;
  readonly waiting: WaitingRoom;
  readonly inUse: InUse;
  readonly limiter: CreationLimiter;
  readonly sessions: SessionsService;
  private readonly refresh: DirectoryRefresh;
  private readonly contact: Contact;
  private readonly witness: PodWitness;
  private readonly heldBack = new HeldBackStarts();
  private readonly driver: SessionDriver;
  private readonly views: SessionViews;
  private readonly removal: PodRemoval;
  private readonly calm: Calm;

  constructor(private readonly parts: LifecycleParts) {
    const { store, runtime, templates, timing, metrics, clock, logger } = parts;
    this.directory = new SessionDirectory(store);
    this.refresh = new DirectoryRefresh(store, this.directory, clock);
    this.pods = new PodDirectory(runtime);
    this.waiting = new WaitingRoom(clock, timing.maxPendingRequests);
    this.contact = new Contact(this.pods, clock);
    this.witness = new PodWitness(runtime, store, clock);
    const beats = {
      heard: () => this.contact.storeAnswered(),
      unheard: (ids: readonly SessionId[]) => this.bearWitness(ids),
    };
    this.inUse = new InUse(store, this.directory, clock, beats, logger);
    this.limiter = new CreationLimiter(timing.maxConcurrentCreations, (id) => this.driver.placed(id));
    this.calm = new Calm(clock);
    const { inUse, waiting } = this;
    this.views = new SessionViews(this.directory, this.pods, {
      inFlight: (id) => inUse.inFlight(id),
      heldFor: (id) => waiting.heldFor(id),
      unrecorded: (id) => inUse.unrecorded(id),
      heldBack: (session) => this.heldBack.find(session),
    });
    this.removal = new PodRemoval(runtime, store, timing.drainMs, metrics, logger);
    const rules = { templates, startTimeoutMs: timing.startTimeoutMs };
    const making = new PodMaking(runtime, this.pods);
    const starts = { limiter: this.limiter, making, heldBack: this.heldBack };
    const taker = new StepTaker(
      { store, runtime, sessions: this.directory, pods: this.pods },
      rules,
      starts,
      metrics,
      logger,
    );
    const strays = new StrayRemoval(store, this.removal, clock, logger);
    const view = { sessions: this.directory, pods: this.pods, find: store.find.bind(store) };
    this.driver = new SessionDriver(view, this.waiting, { taker, strays, limiter: this.limiter }, clock, logger);
    this.sessions = this.makeSessions();
  }

  /** The store does not hear that these are in use; their pods shall. */
  private bearWitness(ids: readonly SessionId[]): void {
    for (const id of ids) {
      const session = this.directory.find(id);
      const pod = this.pods.find(session?.pod?.uid);
      if (session && pod) void this.witness.recordUse(session, pod).catch(() => undefined);
    }
  }

  private makeSessions(): SessionsService {
    const { store, runtime, templates, timing, clock } = this.parts;
    const view = { sessions: this.directory, pods: this.pods, show: this.views };
    const { inUse, waiting, driver, witness, contact } = this;
    const doing = { inUse, waiting, driver, witness, contact };
    const rules = { templates, startTimeoutMs: timing.startTimeoutMs };
    const admissions = new Admissions(store, view, doing, rules, clock);
    const journal = new SessionJournal(this.directory, this.pods, this.views);
    const moves = { admissions, inUse: this.inUse, driver: this.driver, removal: this.removal };
    return new SessionsService({ store, runtime }, { ...view, journal }, moves, templates, this.parts.logger);
  }

  /** Before this replica may lead. */
  start(): void {
    this.directory.start(() => this.refresh.soon());
    this.pods.start();
    this.driver.start();
    this.directory.onChange(({ id, state }) => state !== 'creating' && this.heldBack.forget(id));
    this.directory.onForget((id) => this.heldBack.forget(id));
    this.pods.onChange((pod, before) => this.tellOfRestarts(pod, pod.restarts - (before?.restarts ?? pod.restarts)));
    this.addLeaderTasks();
  }

  /** What this replica says of sessions rests on a complete view, and on a store that remembers. */
  async isSynced(): Promise<boolean> {
    if (!this.pods.isSynced()) return false;
    return this.parts.store.tally().then(
      () => true,
      () => false,
    );
  }

  /** Neither store nor runtime has been heard of for so long that known addresses may have changed hands. */
  async isCutOff(): Promise<boolean> {
    if (!this.contact.isLost()) return false;
    return this.parts.store.tally().then(
      () => {
        this.contact.storeAnswered();
        return false;
      },
      () => true,
    );
  }

  /** Near the end of a drain: whoever is still held is told to ask another replica. */
  turnAwayHeld(): void {
    const sentence = 'This replica stops before the pod was ready; ask again.';
    this.waiting.close(new LifecycleError('SHUTTING_DOWN', sentence));
  }

  /** After the leader's work has stopped. */
  async stop(): Promise<void> {
    this.driver.stop();
    await this.inUse.stop();
    this.refresh.stop();
    this.directory.stop();
    await this.pods.stop();
  }

  private addLeaderTasks(): void {
    const { leadership, timers, clock, logger } = this.parts;
    const reaper = new RepeatedPass(this.makeReaper(), timers, clock, logger);
    const reconcile = new RepeatedPass(this.makeReconcile(), timers, clock, logger);
    const { store, runtime } = this.parts;
    const known = { store, runtime, sessions: this.directory };
    const importing = new ImportTask(known, this.calm, () => reconcile.hasten(0), logger);
    this.directory.onChange(({ dueAtMs }) => dueAtMs !== undefined && reaper.hasten(dueAtMs - store.nowMs()));
    leadership.standWhile(() => store.isAnswering());
    leadership.add({ name: 'lead', run: (whileLeading) => this.lead(whileLeading) });
    const warmPool = new RepeatedPass(this.makeWarmPool(), timers, clock, logger);
    this.pods.onChange((pod, before, gone) => changesPool(pod, before, gone) && warmPool.hasten(0));
    for (const task of [new RepeatedPass(importing, timers, clock, logger), reconcile, reaper, warmPool])
      leadership.add(task);
  }

  private makeReaper(): ReaperTask {
    const { store, metrics, logger, timing, clock } = this.parts;
    const doing = { removal: this.removal, driver: this.driver, metrics, logger };
    return new ReaperTask(store, this.pods, doing, { calm: this.calm, longestPauseMs: timing.cleanupEveryMs }, clock);
  }

  private makeWarmPool(): WarmPoolTask {
    const { runtime, templates, metrics, clock, logger } = this.parts;
    return new WarmPoolTask(runtime, this.pods, templates.all(), clock, { metrics, logger });
  }

  private makeReconcile(): ReconcileTask {
    const { store, runtime, timing } = this.parts;
    return new ReconcileTask(
      store,
      runtime,
      { sessions: this.directory, pods: this.pods, refresh: this.refresh },
      this.driver,
      timing.cleanupEveryMs,
    );
  }

  /** While this replica leads its driver looks after every session, not just after those that requests wait for. */
  private async lead(whileLeading: AbortSignal): Promise<void> {
    this.calm.broken();
    this.driver.whileLeading = whileLeading;
    await new Promise<void>((resolve) => whileLeading.addEventListener('abort', () => resolve(), { once: true }));
    this.driver.whileLeading = undefined;
  }

  private tellOfRestarts({ name: pod, assignment, failure }: Pod, times: number): void {
    if (times <= 0) return;
    this.parts.metrics.restarted(times);
    const { reason, message } = failure ?? {};
    this.parts.logger.warn({ event: 'pod.restarted', sessionId: assignment?.id, pod, reason }, message);
  }
}

/** A warm pod was claimed, condemned, went, died or became ready. */
function changesPool(pod: Pod, before: Pod | undefined, gone: boolean): boolean {
  if (!before || before.assignment) return false;
  const isTaken = pod.assignment !== undefined || pod.markedUntilMs !== before.markedUntilMs;
  return gone || isTaken || pod.phase !== before.phase || pod.deleting;
}
