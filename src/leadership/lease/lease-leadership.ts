/**
 * Leadership by a lease that all replicas see, with the rules of client-go. One loop makes one move after the other:
 * look, take, renew or wait. What it hears from the watch only makes it look or move sooner, never believe that it
 * leads: it leads from a write of its own that was answered, and for the renew deadline counted from when that write
 * was begun. So the others, who count the whole lease from when they saw the write, are always later.
 */
import { StartFault } from '../../config/start-fault.js';
import { type Clock, pause } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';
import type { Randomness } from '../../platform/randomness.js';
import { LeaderTasks } from '../leader-tasks.js';
import { Leadership, type LeadershipStatus, type LeaderTask } from '../leadership.js';
import {
  type Candidate,
  candidateMove,
  isHeld,
  leaderMove,
  type Move,
  type Now,
  observe,
  type Observation,
} from './election.js';
import { Fitness } from './fitness.js';
import { LeaderNews } from './leader-news.js';
import { durationFaults, type LeaseDurations, RETRY_JITTER } from './lease-durations.js';
import type { Lease, LeaseLock, LeaseWatch } from './lease-lock.js';
import { released } from './lease-record.js';
import { Office } from './office.js';

/** Candidates that see the lease become free come within so much of each other, and not all at once. */
const HOLD_BACK_MS = 300;
/** One more for somebody who wrote beside it, and one for an answer that did not come: that write may have been done. */
const RELEASE_TRIES = 3;

export interface LeaseLeadershipParts {
  lock: LeaseLock;
  /** Of this run of the program alone: who finds its own name in the lease takes it for its own write. */
  identity: string;
  durations: LeaseDurations;
  clock: Clock;
  randomness: Randomness;
  logger: Logger;
}

type Call = Extract<Move, { do: 'look' | 'create' | 'update' }>;

export class LeaseLeadership extends Leadership {
  private readonly tasks: LeaderTasks;
  private readonly news: LeaderNews;
  private readonly watch: LeaseWatch;
  private readonly candidate: Candidate;
  private readonly fitness: Fitness;
  private bell = new AbortController();
  private seen?: Observation;
  /** What was seen may be outdated by a write of which nothing is known. */
  private mustLook = true;
  private isGivingUp = false;
  private office?: Office;
  /** When the last write that was answered had been begun. */
  private renewedAtMs = 0;
  private running?: Promise<void>;
  private stopped?: Promise<void>;
  private giveUpAtMs = Infinity;

  constructor(private readonly parts: LeaseLeadershipParts) {
    super();
    const { identity, durations, clock, logger } = parts;
    const faults = durationFaults(durations);
    if (faults.length > 0) throw new StartFault(faults.join('\n'));
    this.tasks = new LeaderTasks(clock);
    this.news = new LeaderNews(identity, clock, logger);
    this.fitness = new Fitness(clock, durations.leaseMs);
    this.candidate = { identity, durations, holdBackMs: 0 };
    this.watch = parts.lock.watch((lease) => this.hear(lease));
  }

  add(task: LeaderTask): void {
    this.tasks.add(task);
  }

  standWhile(isFit: () => boolean): void {
    this.fitness.isFit = isFit;
  }

  status(): LeadershipStatus {
    const nowMs = this.parts.clock.monotonicMs();
    const { identity } = this.parts;
    if (this.isLeading) return { isLeader: true, leader: identity, renewedMsAgo: nowMs - this.renewedAtMs };
    const holder = this.seen?.lease?.record.holder;
    if (this.seen === undefined || !holder) return { isLeader: false };
    const isKnown = holder !== identity && isHeld(this.seen, nowMs);
    return { isLeader: false, leader: isKnown ? holder : undefined, renewedMsAgo: nowMs - this.seen.sinceMs };
  }

  /** Waits for nobody to lead. */
  start(): Promise<void> {
    if (this.running || this.stopped) return Promise.resolve();
    this.tasks.close();
    this.watch.start();
    this.running = this.run();
    return Promise.resolve();
  }

  /**
   * Renews until the tasks have returned, so that nobody leads beside them, but no longer than a lease lasts. Tasks
   * that have not returned by then are told to the log, and the lease is left to expire.
   */
  stop(): Promise<void> {
    return (this.stopped ??= this.windDown());
  }

  private async windDown(): Promise<void> {
    const { clock, durations } = this.parts;
    this.giveUpAtMs = clock.monotonicMs() + durations.leaseMs;
    this.office?.callOff();
    this.wake();
    if (!this.running) return;
    await this.running;
    if (this.office?.isVacant !== false) await this.release();
    this.office?.close();
    this.office = undefined;
    await this.watch.stop();
  }

  private async run(): Promise<void> {
    while (this.goesOn()) {
      if (this.office?.isOver()) await this.leave(this.office);
      else if (this.office && this.isStandingDown()) await this.standDown(this.office);
      else await this.make(this.nextMove());
    }
  }

  private goesOn(): boolean {
    if (!this.isStopping) return true;
    return this.office?.isVacant === false && this.parts.clock.monotonicMs() < this.giveUpAtMs;
  }

  private nextMove(): Move {
    if (this.mustLook) return { do: 'look' };
    const { clock, durations } = this.parts;
    const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
    if (!this.office) return this.candidacy(now);
    return leaderMove(this.seen!, this.candidate, now, this.renewedAtMs + durations.retryMs);
  }

  /** A free lease is left alone for longer while this replica is not fit; that may change at any time. */
  private candidacy(now: Now): Move {
    const extraMs = this.fitness.holdBackMs();
    const candidate = { ...this.candidate, holdBackMs: this.candidate.holdBackMs + extraMs };
    const move = candidateMove(this.seen!, candidate, now);
    if (move.do !== 'wait' || extraMs === 0) return move;
    return { do: 'wait', untilMs: Math.min(move.untilMs, now.monotonicMs + this.parts.durations.retryMs) };
  }

  /** Tasks that were told to return do not come back to their work, whatever happens meanwhile. */
  private isStandingDown(): boolean {
    if (this.isStopping) return false;
    this.isGivingUp ||= this.fitness.mustStandDown();
    return this.isGivingUp;
  }

  /** The lead is held on to until the tasks have returned, and is free for another at once then. */
  private async standDown(office: Office): Promise<void> {
    office.callOff();
    if (!office.isVacant) return this.make(this.nextMove());
    await this.release();
    office.lose('it cannot do the work');
    this.office = undefined;
    this.isGivingUp = false;
    this.mustLook = true;
    this.fitness.stoodDown();
  }

  private async make(move: Move): Promise<void> {
    if (move.do === 'wait') await this.waitFor(move.untilMs - this.parts.clock.monotonicMs());
    else if (move.do === 'lose') this.office?.lose(`${move.to} holds the lease`);
    else await this.ask(move);
  }

  /** A lead is not stood for again before all tasks of the last one have returned: here too each runs once. */
  private async leave(office: Office): Promise<void> {
    office.lose('the lease was not renewed in time');
    this.isGivingUp = false;
    if (office.isVacant) this.office = undefined;
    else await this.waitFor(this.parts.durations.retryMs);
  }

  private async ask(call: Call): Promise<void> {
    const begunAtMs = this.parts.clock.monotonicMs();
    try {
      const answer = await this.send(call);
      this.news.reachable();
      this.mustLook = answer === 'conflict';
      if (answer === 'conflict') return await this.waitFor(this.chance(HOLD_BACK_MS));
      this.see(answer);
      if (call.do !== 'look') this.hold(begunAtMs);
    } catch (error) {
      this.mustLook = true;
      this.news.unreachable(error);
      await this.waitFor(this.pauseAfterFailureMs());
    }
  }

  private send(call: Call): Promise<Lease | undefined | 'conflict'> {
    const { lock } = this.parts;
    if (call.do === 'look') return lock.get();
    return call.do === 'create' ? lock.create(call.record) : lock.update(call.lease, call.record);
  }

  /** An answer that comes too late is worth nothing but that the lease is ours to renew. */
  private hold(begunAtMs: number): void {
    const { clock, durations } = this.parts;
    const untilMs = begunAtMs + durations.renewDeadlineMs;
    this.renewedAtMs = begunAtMs;
    if (this.office) return this.office.prolong(untilMs);
    if (this.isStopping || clock.monotonicMs() >= untilMs) return;
    this.news.elected(this.seen?.lease?.record.transitions ?? 0);
    const graceMs = durations.leaseMs - durations.renewDeadlineMs;
    this.office = new Office({ clock, tasks: this.tasks, news: this.news, graceMs }, untilMs);
    this.office.enter(() => this.wake());
  }

  /** From the watch. It may tell a leader of what was before its own last write. */
  private hear(lease: Lease | undefined): void {
    if (!this.isLeading) this.see(lease);
    else if (lease?.record.holder === this.parts.identity) return;
    else this.mustLook = true;
    this.wake();
  }

  private see(lease: Lease | undefined): void {
    const before = this.seen;
    this.seen = observe(before, lease, this.parts.clock.monotonicMs());
    if (before?.sinceMs !== this.seen.sinceMs) this.candidate.holdBackMs = this.chance(HOLD_BACK_MS);
    this.news.seen(lease?.record.holder ?? '');
  }

  private async release(): Promise<void> {
    const { lock, clock, identity, durations } = this.parts;
    const tryUntilMs = clock.monotonicMs() + durations.renewDeadlineMs;
    let fault: unknown = new Error('somebody else wrote to it each time');
    for (let tries = 0; tries < RELEASE_TRIES && clock.monotonicMs() < tryUntilMs; tries++) {
      try {
        const lease = this.mustLook ? await lock.get() : this.seen?.lease;
        if (tries > 0 && lease?.record.holder === '') return this.news.released();
        if (lease?.record.holder !== identity) return;
        this.mustLook = (await lock.update(lease, released(lease.record, clock.nowMs()))) === 'conflict';
        if (!this.mustLook) return this.news.released();
      } catch (error) {
        fault = error;
        this.mustLook = true;
      }
    }
    this.news.notReleased(fault);
  }

  private get isStopping(): boolean {
    return this.giveUpAtMs !== Infinity;
  }

  private get isLeading(): boolean {
    return this.office !== undefined && !this.office.isOver();
  }

  private async waitFor(ms: number): Promise<void> {
    await pause(this.parts.clock, ms, this.bell.signal);
    if (this.bell.signal.aborted) this.bell = new AbortController();
  }

  private wake(): void {
    this.bell.abort();
  }

  private pauseAfterFailureMs(): number {
    const { retryMs } = this.parts.durations;
    return retryMs + (this.office ? 0 : this.chance(retryMs * RETRY_JITTER));
  }

  private chance(mostMs: number): number {
    return this.parts.randomness.fraction() * mostMs;
  }
}
