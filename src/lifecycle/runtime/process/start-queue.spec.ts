import { FakeClock } from '../../../../test/support/fake-clock.js';
import { StartQueue } from './start-queue.js';

/** A clock on which a start can take time while everything else stands still, as a blocking call makes it. */
class BlockedClock extends FakeClock {
  private blockedMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.blockedMs;
  }

  block(ms: number): void {
    this.blockedMs += ms;
  }
}

describe('the queue of pods that are to start', () => {
  const never = new AbortController().signal;
  let clock: BlockedClock;
  let queue: StartQueue;
  let started: string[];
  beforeEach(() => {
    clock = new BlockedClock();
    queue = new StartQueue(clock);
    started = [];
  });

  function start(name: string, { takesMs = 10, isRestart = false, signal = never } = {}): Promise<string | undefined> {
    const run = (): string => {
      clock.block(takesMs);
      started.push(name);
      return name;
    };
    return queue.start(run, isRestart, signal);
  }

  it('starts the first one at once and gives what that gave', async () => {
    const first = start('a');
    expect(started).toEqual(['a']);
    expect(await first).toBe('a');
  });

  it('lets three times as long pass after each start as it took', async () => {
    for (const name of ['a', 'b', 'c']) void start(name);
    await clock.advance(29);
    expect(started).toEqual(['a']);
    await clock.advance(1);
    expect(started).toEqual(['a', 'b']);
    await clock.advance(29);
    expect(started).toEqual(['a', 'b']);
    await clock.advance(1);
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('holds nobody up where starts take no time', async () => {
    for (const name of ['a', 'b', 'c']) void start(name, { takesMs: 0 });
    await clock.advance(0);
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('starts at once again when nobody has waited', async () => {
    void start('a');
    await clock.advance(30);
    void start('b');
    expect(started).toEqual(['a', 'b']);
  });

  it('lets a restart go first', async () => {
    for (const name of ['a', 'b', 'c']) void start(name);
    void start('restart', { isRestart: true });
    await clock.advance(30);
    expect(started).toEqual(['a', 'restart']);
  });

  it('lets one go who is to end, and keeps the order of the others', async () => {
    const ending = new AbortController();
    void start('a');
    const left = start('ending', { signal: ending.signal });
    for (const name of ['b', 'c']) void start(name);
    ending.abort();
    expect(await left).toBeUndefined();
    await clock.advance(60);
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('never starts one that is to end, and goes on with the next', async () => {
    const ended = AbortSignal.abort();
    expect(await start('at once', { signal: ended })).toBeUndefined();
    void start('a');
    expect(await start('in line', { signal: ended })).toBeUndefined();
    void start('b');
    await clock.advance(60);
    expect(started).toEqual(['a', 'b']);
  });

  it('goes on after a start that failed', async () => {
    const fails = (): never => {
      throw new Error('a fault');
    };
    await expect(queue.start(fails, false, never)).rejects.toThrow('a fault');
    void start('a');
    await clock.advance(0);
    expect(started).toEqual(['a']);
  });
});
