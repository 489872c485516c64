import { FakeClock } from '../../../../test/support/fake-clock.js';
import { measureGroups, MemoryWatch, parseStat } from './memory-watch.js';

describe('the watch over the memory of pods', () => {
  let clock: FakeClock;
  let memory: Map<number, number>;
  let looks: number;
  let watch: MemoryWatch;
  beforeEach(() => {
    clock = new FakeClock();
    memory = new Map();
    looks = 0;
    watch = new MemoryWatch(clock, 1_000, () => {
      looks++;
      return Promise.resolve(memory);
    });
  });

  it('tells once of a group that holds more than its limit', async () => {
    const told: number[] = [];
    watch.watch(7, 100, (bytes) => told.push(bytes));
    memory.set(7, 100).set(8, 5_000);
    await clock.advance(1_000);
    expect(told).toEqual([]);
    memory.set(7, 101);
    await clock.advance(1_000);
    expect(told).toEqual([101]);
    await clock.advance(5_000);
    expect(told).toEqual([101]);
  });

  it('looks at all groups in one pass, and not at all when there are none', async () => {
    const told: number[] = [];
    await clock.advance(5_000);
    expect(looks).toBe(0);
    const leaves = [1, 2, 3].map((group) => watch.watch(group, 10, () => told.push(group)));
    memory.set(1, 11).set(2, 9).set(3, 12);
    await clock.advance(1_000);
    expect(looks).toBe(1);
    expect(told).toEqual([1, 3]);
    leaves.forEach((leave) => leave());
    await clock.advance(5_000);
    expect(looks).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('looks in time however often pods come and go', async () => {
    let told = false;
    watch.watch(1, 10, () => (told = true));
    memory.set(1, 11);
    for (let n = 0; n < 10; n++) {
      watch.watch(2, 10, () => undefined)();
      await clock.advance(100);
    }
    expect(told).toBe(true);
  });

  it('goes on after a look that failed', async () => {
    let told = false;
    let fails = true;
    const failing = new MemoryWatch(clock, 1_000, () =>
      fails ? Promise.reject(new Error('EMFILE')) : Promise.resolve(new Map([[1, 11]])),
    );
    failing.watch(1, 10, () => (told = true));
    await clock.advance(1_000);
    expect(told).toBe(false);
    fails = false;
    await clock.advance(1_000);
    expect(told).toBe(true);
  });
});

describe('a line of /proc/<pid>/stat', () => {
  const after = 'S 1 4242 4242 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 100 2625536 250 18446744073709551615';

  it.each(['(node)', '(a b)', '(:) S 9 9 9)', '()'])('tells group and pages whatever the name is: %s', (name) => {
    expect(parseStat(`77 ${name} ${after}`)).toEqual({ group: 4242, pages: 250 });
  });

  it('is nothing when the process has gone', () => {
    expect(parseStat('')).toBeUndefined();
  });
});

(process.platform === 'linux' ? describe : describe.skip)('what the kernel tells', () => {
  it('is near what Node says of this very process', async () => {
    const line = (await import('node:fs')).readFileSync('/proc/self/stat', 'latin1');
    const { group } = parseStat(line)!;
    const bytes = (await measureGroups()).get(group)!;
    expect(bytes).toBeGreaterThan(process.memoryUsage.rss() * 0.8);
  });
});
