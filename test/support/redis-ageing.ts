import type { Redis } from 'ioredis';

import type { Pod } from '../../src/lifecycle/runtime/pod.js';
import type { Caller, Failure, Opening, Session, Timeouts } from '../../src/lifecycle/session.js';
import type { SessionId } from '../../src/lifecycle/session-id.js';
import {
  type Entered,
  type ImportToken,
  type Moved,
  type PodDeath,
  type Ref,
  type Refused,
  type SessionFilter,
  SessionStore,
  type StoreTally,
  type Touch,
  type Touched,
} from '../../src/lifecycle/store/session-store.js';

/** Whatever in the data is a moment becomes so much earlier, which to the store is the same as if time had passed. */
const AGE = `
local ms = tonumber(ARGV[1])
local function earlier(value) return string.format('%.17g', tonumber(value) - ms) end
for _, key in ipairs(redis.call('KEYS', 'session:*')) do
  local flat = redis.call('HGETALL', key)
  for at = 1, #flat, 2 do
    if string.match(flat[at], 'AtMs$') or flat[at] == 'startNotBeforeMs' then
      redis.call('HSET', key, flat[at], earlier(flat[at + 1]))
    end
  end
end
for _, key in ipairs({ 'sessions:deadlines', 'sessions:tombstones', 'sessions:addresses-let-go' }) do
  local scored = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for at = 1, #scored, 2 do redis.call('ZADD', key, earlier(scored[at + 1]), scored[at]) end
end
`;

/** How much older the data of one server has been made. */
export class Ageing {
  ms = 0;

  constructor(private readonly admin: Redis) {}

  async advance(ms: number): Promise<void> {
    const wholeMs = Math.ceil(ms);
    if (wholeMs <= 0) return;
    await this.admin.eval(AGE, 0, String(wholeMs));
    this.ms += wholeMs;
  }
}

/**
 * A store on a server whose data is made older instead of waiting. Its users live in a time that runs ahead of the
 * server's by all that was skipped: every moment that goes in or out is translated, nothing else.
 */
export class AgeingStore extends SessionStore {
  constructor(
    private readonly inner: SessionStore,
    private readonly ageing: Ageing,
  ) {
    super();
  }

  nowMs(): number {
    return this.inner.nowMs() + this.ageing.ms;
  }

  isAnswering(): boolean {
    return this.inner.isAnswering();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  async enter(id: SessionId, caller: Caller, opening: Opening): Promise<Entered | Refused> {
    return this.later(await this.inner.enter(id, caller, opening));
  }

  async touch(touches: readonly Touch[]): Promise<readonly Touched[]> {
    return this.later(await this.inner.touch(touches));
  }

  async tryStart(ref: Ref): Promise<'start' | { waitMs: number } | Moved> {
    return this.later(await this.inner.tryStart(ref));
  }

  async namePod(ref: Ref, pod: Pod): Promise<'named' | Moved> {
    return this.later(await this.inner.namePod(ref, pod));
  }

  async markReady(ref: Ref, address: string): Promise<'ready' | { addressHeldMs: number } | Moved> {
    return this.later(await this.inner.markReady(ref, address));
  }

  async replace(ref: Ref, failure: PodDeath, startAfterMs: number): Promise<Session | Moved> {
    return this.later(await this.inner.replace(ref, failure, startAfterMs));
  }

  async fail(ref: Ref, failure: Failure, backOffMs: number): Promise<'failed' | Moved> {
    return this.later(await this.inner.fail(ref, failure, backOffMs));
  }

  async reap(ref: Ref): Promise<'terminating' | 'not-due' | Moved> {
    return this.later(await this.inner.reap(ref));
  }

  async end(id: SessionId, caller: Caller): Promise<Session | 'absent' | Refused> {
    return this.later(await this.inner.end(id, caller));
  }

  async finish(ref: Ref, pods: 'left' | 'none'): Promise<'ended' | Moved> {
    return this.later(await this.inner.finish(ref, pods));
  }

  async change(id: SessionId, caller: Caller, timeouts: Timeouts): Promise<Session | 'absent' | Refused> {
    return this.later(await this.inner.change(id, caller, timeouts));
  }

  isNamed(pod: Pod): Promise<boolean> {
    return this.inner.isNamed(pod);
  }

  async find(id: SessionId): Promise<Session | undefined> {
    return this.later(await this.inner.find(id));
  }

  async list(filter: SessionFilter): Promise<{ sessions: readonly Session[]; next?: string }> {
    return this.later(await this.inner.list(filter));
  }

  async due(limit: number): Promise<{ sessions: readonly Session[]; nextInMs?: number }> {
    return this.later(await this.inner.due(limit));
  }

  postpone(ref: Ref, ms: number): Promise<void> {
    return this.inner.postpone(ref, ms);
  }

  tally(): Promise<StoreTally> {
    return this.inner.tally();
  }

  beginImport(): Promise<ImportToken | 'not-needed'> {
    return this.inner.beginImport();
  }

  importPod(token: ImportToken, pod: Pod): Promise<'imported' | 'outranked' | 'void'> {
    return this.inner.importPod(token, moved(pod, -this.ageing.ms));
  }

  finishImport(token: ImportToken, liveUids: ReadonlySet<string>): Promise<'usable' | 'void'> {
    return this.inner.finishImport(token, liveUids);
  }

  watch(changed: (session: Session) => void, missedSome: () => void): () => void {
    return this.inner.watch((session) => changed(this.later(session)), missedSome);
  }

  private later<T>(value: T): T {
    return moved(value, this.ageing.ms);
  }
}

/** The same with every moment in it so much later; durations stay. */
function moved<T>(value: T, ms: number): T {
  if (Array.isArray(value)) return value.map((item: unknown) => moved(item, ms)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => {
    const isMoment = name === 'atMs' || name.endsWith('AtMs') || name === 'startNotBeforeMs';
    return [name, isMoment && typeof inner === 'number' ? inner + ms : moved(inner as unknown, ms)] as const;
  });
  return Object.fromEntries(entries) as T;
}
