import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { SessionId } from '../../../src/lifecycle/session-id.js';
import type { Caller, Failure, Opening, Session, Timeouts } from '../../../src/lifecycle/session.js';
import { StoreTime } from '../../../src/lifecycle/store/redis/store-time.js';
import {
  type ImportToken,
  type PodDeath,
  type Ref,
  type SessionFilter,
  SessionStore,
  type Touch,
} from '../../../src/lifecycle/store/session-store.js';
import type { Link, Way } from '../engine/link.js';
import type { SimulatedProcess } from '../engine/simulated-process.js';
import type { ChangeNews } from './change-news.js';
import type { SimulatedStore } from './simulated-store.js';

/** The connection that listens is hung up on when nothing came back for so long. */
const NOTICED_AFTER_MS = 2_000;

export interface StoreLinkParts {
  server: SimulatedStore;
  link: Link;
  process: SimulatedProcess;
  way: Way;
  news: ChangeNews;
  /** The simulation's time. */
  nowMs: () => number;
}

/** The store as one process reaches it. What the store's time is, it learns from answers, as with Redis. */
export class StoreLink extends SessionStore {
  private readonly time: StoreTime;
  /** When something was last answered, by the simulation's time: for the checks. */
  answeredAtMs = -Infinity;
  /** Told when something is asked that only a leader asks. */
  leaderAsked: () => void = () => undefined;

  constructor(private readonly parts: StoreLinkParts) {
    super();
    this.time = new StoreTime(parts.process.clock);
  }

  nowMs(): number {
    return this.time.nowMs();
  }

  isAnswering(): boolean {
    if (this.parts.way.state === 'stalled') return this.parts.nowMs() - this.parts.way.sinceMs < NOTICED_AFTER_MS;
    return this.parts.way.state === 'open';
  }

  enter(id: SessionId, caller: Caller, opening: Opening) {
    return this.ask('enter', () => this.parts.server.enter(id, caller, opening));
  }

  touch(touches: readonly Touch[]) {
    return this.ask('touch', () => this.parts.server.touch(touches));
  }

  tryStart(ref: Ref) {
    return this.ask('tryStart', () => this.parts.server.tryStart(ref));
  }

  namePod(ref: Ref, pod: Pod) {
    return this.ask('namePod', () => this.parts.server.namePod(ref, pod));
  }

  markReady(ref: Ref, address: string) {
    return this.ask('markReady', () => this.parts.server.markReady(ref, address));
  }

  replace(ref: Ref, death: PodDeath, startAfterMs: number) {
    return this.ask('replace', () => this.parts.server.replace(ref, death, startAfterMs));
  }

  fail(ref: Ref, failure: Failure, backOffMs: number) {
    return this.ask('fail', () => this.parts.server.fail(ref, failure, backOffMs));
  }

  reap(ref: Ref) {
    return this.ask('reap', () => this.parts.server.reap(ref));
  }

  end(id: SessionId, caller: Caller) {
    return this.ask('end', () => this.parts.server.end(id, caller));
  }

  finish(ref: Ref, pods: 'left' | 'none') {
    return this.ask('finish', () => this.parts.server.finish(ref, pods));
  }

  change(id: SessionId, caller: Caller, timeouts: Timeouts) {
    return this.ask('change', () => this.parts.server.change(id, caller, timeouts));
  }

  isNamed(pod: Pod) {
    return this.ask('isNamed', () => this.parts.server.isNamed(pod));
  }

  find(id: SessionId) {
    return this.ask('find', () => this.parts.server.find(id));
  }

  list(filter: SessionFilter) {
    return this.ask('list', () => this.parts.server.list(filter));
  }

  due(limit: number) {
    this.leaderAsked();
    return this.ask('due', () => this.parts.server.due(limit));
  }

  postpone(ref: Ref, ms: number) {
    return this.ask('postpone', () => this.parts.server.postpone(ref, ms));
  }

  tally() {
    return this.ask('tally', () => this.parts.server.tally());
  }

  beginImport() {
    this.leaderAsked();
    return this.ask('beginImport', () => this.parts.server.beginImport());
  }

  importPod(token: ImportToken, pod: Pod) {
    return this.ask('importPod', () => this.parts.server.importPod(token, pod));
  }

  finishImport(token: ImportToken, liveUids: ReadonlySet<string>) {
    return this.ask('finishImport', () => this.parts.server.finishImport(token, liveUids));
  }

  watch(changed: (session: Session) => void, missedSome: () => void): () => void {
    return this.parts.news.watch(changed, missedSome);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async ask<T>(name: string, act: () => Promise<T>): Promise<T> {
    const sentAtMs = this.parts.process.clock.monotonicMs();
    let serverMs = 0;
    const answer = await this.parts.link.call(name, () => {
      serverMs = Math.floor(this.parts.server.nowMs());
      return act();
    });
    this.time.learn(serverMs, sentAtMs);
    this.answeredAtMs = this.parts.nowMs();
    return answer;
  }
}
