import { Clock, pause } from '../../../platform/clock.js';
import { Logger } from '../../../platform/logger.js';
import { Randomness } from '../../../platform/randomness.js';
import type { RedisAddress } from '../../../platform/redis/redis-address.js';
import { RedisConnection } from '../../../platform/redis/redis-connection.js';
import { RedisAway } from '../../../platform/redis/redis-errors.js';
import { reportFitness } from '../../../platform/redis/redis-fitness.js';
import type { Pod } from '../../runtime/pod.js';
import type { SessionId } from '../../session-id.js';
import { SESSION_STATES } from '../../session-states.js';
import type { Caller, Failure, Opening, Session, Timeouts } from '../../session.js';
import {
  type Entered,
  type ImportToken,
  type Moved,
  type PodDeath,
  type Ref,
  type Refused,
  type SessionFilter,
  SessionStore,
  type StoreLimits,
  type StoreTally,
  type Touch,
  type Touched,
} from '../session-store.js';
import { ChangeFeed } from './change-feed.js';
import { RedisImport } from './redis-import.js';
import { type Answer, ScriptRunner } from './script-runner.js';
import type { ScriptName } from './scripts/session-scripts.js';
import { ServerNews } from './server-news.js';
import { envText, moved, sessionOf } from './session-hash.js';
import { StoreTime } from './store-time.js';
import { touchMany } from './touches.js';

/** So many ids are looked at in one step of a list, and so many records read: half a millisecond, and others are let in. */
const IDS_IN_ONE_STEP = 100;
const RECORDS_IN_ONE_STEP = 20;
const ASK_AGAIN_AFTER_MS = 500;

export interface RedisStoreParts {
  clock: Clock;
  randomness: Randomness;
  logger: Logger;
  /** How long any call waits for the server. */
  answerWithinMs?: number;
}

/**
 * The store that replicas share: one Redis primary. Every change is one script, which compares and writes by the server's
 * clock; what it may do is decided there and nowhere else. `scripts/` holds them, `session-hash.ts` says how a record looks.
 */
export class RedisSessionStore extends SessionStore {
  private readonly connection: RedisConnection;
  private readonly listening: RedisConnection;
  private readonly scripts: ScriptRunner;
  private readonly feed: ChangeFeed;
  private readonly import: RedisImport;
  private readonly time: StoreTime;
  private readonly news: ServerNews;
  private isClosed = false;

  constructor(
    address: RedisAddress,
    private readonly limits: StoreLimits,
    private readonly parts: RedisStoreParts,
  ) {
    super();
    const { clock, randomness, answerWithinMs } = parts;
    this.connection = new RedisConnection(address, randomness, answerWithinMs);
    this.listening = new RedisConnection(address, randomness, answerWithinMs);
    this.time = new StoreTime(clock);
    this.news = new ServerNews(this.connection.server, parts.logger);
    // Redis does not keep the messages of its databases apart.
    const shared = { clock, time: this.time, channel: `sessions:changes:${address.db ?? 0}` };
    const trouble = (error: Error): void => this.news.wentAway(error);
    this.scripts = new ScriptRunner(this.connection, shared, this.news);
    this.feed = new ChangeFeed(this.listening, new ScriptRunner(this.listening, shared), { ...shared, trouble });
    this.import = new RedisImport(this.scripts, limits);
    this.connection.listen({ up: () => this.news.cameBack(), down: (error) => this.news.wentAway(error) });
  }

  /** From now on; calls that are under way are not disturbed. Rejects where the server does not know it (yet); false: not asked. */
  async changePassword(password: string | undefined): Promise<boolean> {
    const taken = await Promise.all([this.connection, this.listening].map((one) => one.changePassword(password)));
    return taken.every(Boolean);
  }

  /** Told whenever the server does not take the password: perhaps there is another by now. */
  onPasswordRefused(look: () => void): void {
    for (const one of [this.connection, this.listening]) one.listen({ refused: look });
  }

  /** Waits for the server as long as it takes, until closed; throws RedisUnfit where waiting is no use. */
  async connect(): Promise<void> {
    await this.connection.open();
    while (!(await this.isFit())) await pause(this.parts.clock, ASK_AGAIN_AFTER_MS);
    await Promise.all([this.listening.open(), this.feed.listening()]);
    this.news.cameBack();
  }

  /** It came up and may be away again, or does not let us ask. */
  private async isFit(): Promise<boolean> {
    try {
      await reportFitness(this.connection, this.parts.logger);
      return true;
    } catch (error) {
      if (!(error instanceof RedisAway) || this.isClosed) throw error;
      this.news.wentAway(error);
      return false;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.feed.stop();
    await Promise.all([this.connection.close(), this.listening.close()]);
  }

  nowMs(): number {
    return this.time.nowMs();
  }

  /** The listening connection asks something every few seconds, and is hung up on when nothing comes back. */
  isAnswering(): boolean {
    return this.connection.isUp && this.listening.isUp;
  }

  async enter(id: SessionId, caller: Caller, opening: Opening): Promise<Entered | Refused> {
    const { maxSessions, maxSessionsPerOwner, startTimeoutMs } = this.limits;
    const asks = { opening: scriptedOpening(opening), maxSessions, maxSessionsPerOwner, startTimeoutMs };
    const [outcome, json] = await this.run('enter', { id, caller, ...asks });
    if (outcome !== 'opened' && outcome !== 'found') return outcome as Refused;
    return { outcome, session: sessionOf(json as string) };
  }

  touch(touches: readonly Touch[]): Promise<readonly Touched[]> {
    return touchMany(this.scripts, touches);
  }

  async tryStart(ref: Ref): Promise<'start' | { waitMs: number } | Moved> {
    const [outcome, fact] = await this.run('tryStart', { ref });
    if (outcome === 'wait') return { waitMs: Number(fact) };
    return outcome === 'start' ? outcome : moved(fact);
  }

  async namePod(ref: Ref, { name, uid, node }: Pod): Promise<'named' | Moved> {
    const [outcome, fact] = await this.run('namePod', { ref, pod: { name, uid, node } });
    return outcome === 'named' ? outcome : moved(fact);
  }

  async markReady(ref: Ref, address: string): Promise<'ready' | { addressHeldMs: number } | Moved> {
    const [outcome, fact] = await this.run('markReady', { ref, address });
    if (outcome === 'held') return { addressHeldMs: Number(fact) };
    return outcome === 'ready' ? outcome : moved(fact);
  }

  async replace(ref: Ref, death: PodDeath, startAfterMs: number): Promise<Session | Moved> {
    const { startTimeoutMs } = this.limits;
    const [outcome, fact] = await this.run('replace', { ref, death, startAfterMs, startTimeoutMs });
    return outcome === 'replaced' ? sessionOf(fact as string) : moved(fact);
  }

  async fail(ref: Ref, failure: Failure, backOffMs: number): Promise<'failed' | Moved> {
    const [outcome, fact] = await this.run('fail', { ref, failure, backOffMs });
    return outcome === 'failed' ? outcome : moved(fact);
  }

  async reap(ref: Ref): Promise<'terminating' | 'not-due' | Moved> {
    const [outcome, fact] = await this.run('reap', { ref });
    return outcome === 'terminating' || outcome === 'not-due' ? outcome : moved(fact);
  }

  async end(id: SessionId, caller: Caller): Promise<Session | 'absent' | Refused> {
    const [outcome, json] = await this.run('end', { id, caller });
    return outcome === 'found' ? sessionOf(json as string) : (outcome as 'absent' | Refused);
  }

  async finish(ref: Ref, pods: 'left' | 'none'): Promise<'ended' | Moved> {
    const { tombstoneMs } = this.limits;
    const [outcome, fact] = await this.run('finish', { ref, pods, tombstoneMs });
    return outcome === 'ended' ? outcome : moved(fact);
  }

  async change(id: SessionId, caller: Caller, timeouts: Timeouts): Promise<Session | 'absent' | Refused> {
    const [outcome, json] = await this.run('change', { id, caller, timeouts });
    return outcome === 'found' ? sessionOf(json as string) : (outcome as 'absent' | Refused);
  }

  async isNamed({ uid, assignment }: Pod): Promise<boolean> {
    const { id, generation, owner } = assignment ?? {};
    const [isNamed] = await this.run('isNamed', { id, generation, owner, uid });
    return isNamed === 1;
  }

  async find(id: SessionId): Promise<Session | undefined> {
    const [json] = await this.run('find', { id });
    return json === null ? undefined : sessionOf(json as string);
  }

  /** One more than is wanted shows whether there are more. */
  async list({ limit, cursor, ...filter }: SessionFilter): Promise<{ sessions: readonly Session[]; next?: string }> {
    const found: Session[] = [];
    let after: string | null | undefined = cursor;
    while (found.length <= limit && after !== null) {
      const wanted = Math.min(limit + 1 - found.length, RECORDS_IN_ONE_STEP);
      const answer = await this.run('list', { ...filter, after, limit: wanted, stretch: IDS_IN_ONE_STEP });
      found.push(...(answer[0] as string[]).map(sessionOf));
      after = answer[1] as string | null;
    }
    const sessions = found.slice(0, limit);
    return found.length > limit ? { sessions, next: sessions.at(-1)?.id } : { sessions };
  }

  async due(limit: number): Promise<{ sessions: readonly Session[]; nextInMs?: number }> {
    const [sessions, nextInMs] = await this.run('due', { limit });
    return {
      sessions: (sessions as string[]).map(sessionOf),
      nextInMs: nextInMs === null ? undefined : Number(nextInMs),
    };
  }

  async postpone(ref: Ref, ms: number): Promise<void> {
    await this.run('postpone', { ref, ms });
  }

  async tally(): Promise<StoreTally> {
    const [counted, over, counts] = await this.run('tally', { states: SESSION_STATES });
    const byState = Object.fromEntries(SESSION_STATES.map((state, at) => [state, (counts as number[])[at] ?? 0]));
    byState.ended = (byState.ended ?? 0) - (over as number);
    return { counted: counted as number, byState: byState as StoreTally['byState'] };
  }

  async beginImport(): Promise<ImportToken | 'not-needed'> {
    const token = this.parts.randomness.uuid();
    const [outcome] = await this.run('beginImport', { token });
    return outcome === 'begun' ? { token } : 'not-needed';
  }

  importPod(token: ImportToken, pod: Pod): Promise<'imported' | 'outranked' | 'void'> {
    return this.import.pod(token, pod);
  }

  finishImport(token: ImportToken, liveUids: ReadonlySet<string>): Promise<'usable' | 'void'> {
    return this.import.finish(token, liveUids);
  }

  watch(changed: (session: Session) => void, missedSome: () => void): () => void {
    return this.feed.watch(changed, missedSome, this.scripts.published);
  }

  private run(name: ScriptName, ask: object): Promise<Answer> {
    return this.scripts.run(name, ask);
  }
}

/** With the environment as the text that a script compares. */
function scriptedOpening({ asked, otherwise, ...rest }: Opening): object {
  const env = asked.env && envText(asked.env);
  return { ...rest, asked: { ...asked, env }, otherwise: { ...otherwise, env: envText(otherwise.env) } };
}
