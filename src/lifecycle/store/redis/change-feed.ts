import { Clock, type Timer } from '../../../platform/clock.js';
import type { RedisConnection } from '../../../platform/redis/redis-connection.js';
import type { Session } from '../../session.js';
import { type Watcher, Watchers } from '../watchers.js';
import type { ScriptRunner } from './script-runner.js';
import { type Hash, sessionOfHash } from './session-hash.js';

const LOOK_EVERY_MS = 2_000;
/** While something was missed and the store is not usable yet. */
const LOOK_AGAIN_MS = 250;
const LISTEN_AGAIN_MS = 1_000;

interface Message {
  n: number;
  sessions: Hash[];
  importing?: boolean;
}

export interface FeedParts {
  channel: string;
  clock: Clock;
  /** The server is there and does not let us listen. */
  trouble(error: Error): void;
}

interface FeedWatcher extends Watcher {
  /** What was told up to here was before its time. */
  after: number;
}

/**
 * What the store tells of its changes, heard on a connection of its own. Redis forgets whoever does not listen, so every
 * message has a number: one that is out of turn, a connection that was lost, and a counter that is elsewhere than what
 * was heard mean that some were missed. The counter is asked on the same connection, behind all that was told before.
 * Watchers learn of it when the store can be asked again, not before: until then what they know is the best there is.
 */
export class ChangeFeed {
  private readonly watchers = new Watchers<FeedWatcher>();
  /** The number of the last message; undefined: not listening. */
  private heard?: number;
  private heardSinceLook = 0;
  private hasMissedSome = false;
  private timer?: Timer;
  private attempts = 0;
  private isStopped = false;
  private isListening = false;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly connection: RedisConnection,
    private readonly scripts: ScriptRunner,
    private readonly parts: FeedParts,
  ) {
    connection.listen({
      up: () => void this.listen(),
      down: () => this.lost(),
      message: (text) => this.hearText(text),
    });
  }

  watch(changed: (session: Session) => void, missedSome: () => void, after: number): () => void {
    return this.watchers.add({ changed, missedSome, after });
  }

  /** From when on every change is heard; until then a watcher would miss some without knowing. */
  listening(): Promise<void> {
    if (this.isListening || this.isStopped) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  stop(): void {
    this.isStopped = true;
    for (const over of this.waiting.splice(0)) over();
    this.timer?.cancel();
  }

  private async listen(): Promise<void> {
    const attempt = ++this.attempts;
    try {
      await this.connection.call('SUBSCRIBE', this.parts.channel);
      await this.look();
      this.isListening = true;
      for (const heard of this.waiting.splice(0)) heard();
    } catch (error) {
      this.listenLater(attempt, error as Error);
    }
  }

  private listenLater(attempt: number, error: Error): void {
    this.hasMissedSome = true;
    if (attempt !== this.attempts || !this.connection.isUp) return;
    this.parts.trouble(error);
    this.timer = this.parts.clock.after(LISTEN_AGAIN_MS, () => this.connection.reconnect());
  }

  private lost(): void {
    this.timer?.cancel();
    if (this.heard !== undefined) this.missed();
    this.heard = undefined;
  }

  private async look(): Promise<void> {
    this.heardSinceLook = 0;
    const [published, remembers] = (await this.scripts.run('position', {})) as [number, number];
    this.compare(published);
    if (remembers === 1) this.tellOfMissed();
    this.lookLater(this.hasMissedSome ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
  }

  /** What was heard since the question may have been told after the answer. */
  private compare(published: number): void {
    const latest = this.heard ?? published;
    const isInStep = published <= latest && published >= latest - this.heardSinceLook;
    if (!isInStep) this.missed();
    if (!isInStep || this.heard === undefined) this.heard = published;
  }

  private lookLater(ms: number): void {
    this.timer?.cancel();
    if (this.isStopped) return;
    this.timer = this.parts.clock.after(ms, () => {
      this.look().catch(() => this.connection.reconnect());
    });
  }

  /** Anybody may publish there; what cannot be read may have been one of ours. */
  private hearText(text: string): void {
    try {
      this.hear(JSON.parse(text) as Message);
    } catch {
      this.missed();
    }
  }

  private hear({ n, sessions, importing }: Message): void {
    if (this.heard !== undefined && n !== this.heard + 1) this.missed();
    if (this.heard !== undefined) this.heard = n;
    this.heardSinceLook += 1;
    if (!importing) this.tellOfMissed();
    for (const hash of sessions) this.watchers.changed(sessionOfHash(hash), ({ after }) => n > after);
  }

  /** The numbers may begin anew, so nobody waits for one any more. */
  private missed(): void {
    this.hasMissedSome = true;
    this.watchers.each((watcher) => (watcher.after = 0));
  }

  private tellOfMissed(): void {
    if (!this.hasMissedSome) return;
    this.hasMissedSome = false;
    this.watchers.missedSome();
  }
}
