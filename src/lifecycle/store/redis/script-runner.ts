import { Clock } from '../../../platform/clock.js';
import type { RedisConnection } from '../../../platform/redis/redis-connection.js';
import { RedisAway, replyCode } from '../../../platform/redis/redis-errors.js';
import { MemoryLost, StoreUnavailable } from '../../lifecycle.errors.js';
import { SCRIPTS, type ScriptName } from './scripts/session-scripts.js';
import type { StoreTime } from './store-time.js';

/** What every script answers with: a word or the thing asked for, and what belongs to it. */
export type Answer = readonly unknown[];

export interface RunnerParts {
  clock: Clock;
  time: StoreTime;
  channel: string;
}

/** A server that is there and does not do what it is asked: out of memory, disk or rights. */
export interface RefusalListener {
  refused(error: Error): void;
  accepted(): void;
}

/** Runs the scripts over one connection, learns the server's time from each, and says in our words why one did not run. */
export class ScriptRunner {
  /** How many changes had been told when the last change of ours was made. */
  published = 0;
  /** The first script that was refused: it is over when this one runs again. */
  private refused?: ScriptName;

  constructor(
    private readonly connection: RedisConnection,
    private readonly parts: RunnerParts,
    private readonly listener?: RefusalListener,
  ) {}

  /** A change whose answer is lost may have been made: all of them compare, so asking again does no harm. */
  async run(name: ScriptName, ask: object): Promise<Answer> {
    const sentAtMs = this.parts.clock.monotonicMs();
    const [nowMs, published, ...answer] = await this.evaluated(name, ask);
    this.parts.time.learn(nowMs as number, sentAtMs);
    if ((published as number) > 0) this.published = published as number;
    if (answer[0] === 'memory-lost') throw new MemoryLost('the store has lost its memory and is not rebuilt yet');
    return answer;
  }

  /** Many scripts at once, sent in one piece: each is answered, or fails, by itself. */
  runAll(name: ScriptName, asks: readonly object[]): Promise<readonly PromiseSettledResult<Answer>[]> {
    return Promise.allSettled(this.connection.together(() => asks.map((ask) => this.run(name, ask))));
  }

  private async evaluated(name: ScriptName, ask: object): Promise<Answer> {
    try {
      const answer = await this.connection.run(SCRIPTS[name], JSON.stringify(ask), this.parts.channel);
      if (this.refused === name) this.nowAccepted();
      return answer as Answer;
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      if (replyCode(error.cause) !== undefined) this.nowRefused(name, error);
      throw new StoreUnavailable(error.message, { cause: error });
    }
  }

  private nowRefused(name: ScriptName, error: Error): void {
    if (this.refused !== undefined) return;
    this.refused = name;
    this.listener?.refused(error);
  }

  private nowAccepted(): void {
    this.refused = undefined;
    this.listener?.accepted();
  }
}
