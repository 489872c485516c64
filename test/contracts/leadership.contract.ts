import type { Leadership, LeaderTask } from '../../src/leadership/leadership.js';

/** How one adapter is put up for the suite: candidates for one lead, which nobody has yet. */
export interface LeadershipHarness {
  candidate(identity: string): Leadership;
  /** Lets time pass, at least so much that a pause, a retry or an election moves on. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface LeadershipTraits {
  /** How many can stand; with one, the cases of an election are not defined. */
  candidates: 1 | 2;
  /** How long any of them may take to follow: to lead, to run a task again, to take over. */
  patienceMs: number;
}

/** A task that tells what happens to it and returns when it is told to. */
class RecordingTask implements LeaderTask {
  runs = 0;
  running = 0;
  signal: AbortSignal | undefined;
  private finish: () => void = () => undefined;
  private fail: (error: Error) => void = () => undefined;

  constructor(
    readonly name: string,
    private readonly obeysSignal = true,
  ) {}

  async run(whileLeading: AbortSignal): Promise<void> {
    this.runs++;
    this.running++;
    this.signal = whileLeading;
    try {
      await new Promise<void>((resolve, reject) => {
        this.finish = resolve;
        this.fail = reject;
        if (this.obeysSignal) whileLeading.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      this.running--;
    }
  }

  returnNow(): void {
    this.finish();
  }

  throwNow(): void {
    this.fail(new Error(`the task ${this.name} fails as the test wants it`));
  }
}

/** What every way of choosing a leader keeps to. */
export function leadershipContract(
  name: string,
  makeHarness: () => Promise<LeadershipHarness>,
  { candidates, patienceMs }: LeadershipTraits,
): void {
  describe(name, () => {
    let harness: LeadershipHarness;
    const started: Leadership[] = [];

    beforeEach(async () => {
      harness = await makeHarness();
    });
    afterEach(async () => {
      await Promise.all(started.splice(0).map((candidate) => candidate.stop()));
      await harness.close();
    });

    const standing = (identity: string, ...tasks: LeaderTask[]): Leadership => {
      const candidate = harness.candidate(identity);
      for (const task of tasks) candidate.add(task);
      started.push(candidate);
      return candidate;
    };
    /** Looks often at first, so that what is over soon is seen before what follows a pause. */
    const comesTrue = async (what: () => boolean): Promise<void> => {
      for (let passedMs = 0, stepMs = 0; passedMs < patienceMs && !what(); passedMs += stepMs) {
        await harness.advance(stepMs);
        stepMs = Math.min(stepMs * 2 + 1, patienceMs / 20);
      }
      expect(what()).toBe(true);
    };
    const leading = async (identity: string, ...tasks: LeaderTask[]): Promise<Leadership> => {
      const candidate = standing(identity, ...tasks);
      await candidate.start();
      await comesTrue(() => candidate.status().isLeader);
      return candidate;
    };

    describe('leading', () => {
      it('does not begin, and no task runs, before the start', async () => {
        const task = new RecordingTask('task');
        const candidate = standing('a', task);
        await harness.advance(patienceMs);
        expect(candidate.status().isLeader).toBe(false);
        expect(task.runs).toBe(0);
      });

      it('runs every task once, each while the others run', async () => {
        const tasks = [new RecordingTask('one'), new RecordingTask('two'), new RecordingTask('three')];
        await leading('a', ...tasks);
        await comesTrue(() => tasks.every(({ running }) => running === 1));
        await harness.advance(patienceMs);
        expect(tasks.map(({ runs }) => runs)).toEqual([1, 1, 1]);
      });

      it('leaves the signal of its tasks alone as long as it lasts', async () => {
        const task = new RecordingTask('task');
        await leading('a', task);
        await comesTrue(() => task.running === 1);
        await harness.advance(patienceMs);
        expect(task.signal?.aborted).toBe(false);
      });

      it('is shown, with who leads and that this was seen', async () => {
        const candidate = await leading('the-one');
        const { isLeader, leader, renewedMsAgo } = candidate.status();
        expect({ isLeader, leader }).toEqual({ isLeader: true, leader: 'the-one' });
        expect(renewedMsAgo).toBeGreaterThanOrEqual(0);
        expect(renewedMsAgo).toBeLessThanOrEqual(patienceMs);
      });

      it('is possible without a task', async () => {
        expect((await leading('a')).status().isLeader).toBe(true);
      });
    });

    describe('a task that throws', () => {
      it('is run again, after a pause, while the others go on', async () => {
        const failing = new RecordingTask('failing');
        const steady = new RecordingTask('steady');
        await leading('a', failing, steady);
        for (const run of [1, 2, 3]) {
          await comesTrue(() => failing.runs === run && failing.running === 1);
          failing.throwNow();
          await comesTrue(() => failing.running === 0);
          expect(failing.runs).toBe(run);
        }
        await comesTrue(() => failing.runs === 4);
        expect([steady.runs, steady.running, steady.signal?.aborted]).toEqual([1, 1, false]);
      });

      it('is run again also when it throws before its first promise', async () => {
        let runs = 0;
        const run = (): Promise<void> => {
          runs++;
          throw new Error('the task fails as the test wants it');
        };
        const candidate = await leading('a', { name: 'hasty', run });
        await comesTrue(() => runs >= 2);
        expect(candidate.status().isLeader).toBe(true);
      });

      it('gets a signal that has not fired', async () => {
        const task = new RecordingTask('failing');
        await leading('a', task);
        await comesTrue(() => task.running === 1);
        task.throwNow();
        await comesTrue(() => task.runs === 2);
        expect(task.signal?.aborted).toBe(false);
      });

      it('is not run again once this replica has stopped, though its pause was not over', async () => {
        const task = new RecordingTask('failing');
        const candidate = await leading('a', task);
        await comesTrue(() => task.running === 1);
        task.throwNow();
        await comesTrue(() => task.running === 0);
        await candidate.stop();
        await harness.advance(patienceMs);
        expect(task.runs).toBe(1);
      });

      it('does not keep the stop from coming to its end when it throws in the middle of it', async () => {
        const task = new RecordingTask('late', false);
        const candidate = await leading('a', task);
        await comesTrue(() => task.running === 1);
        const stopping = candidate.stop();
        task.throwNow();
        await stopping;
        await harness.advance(patienceMs);
        expect([task.runs, candidate.status().isLeader]).toEqual([1, false]);
      });
    });

    describe('stopping', () => {
      it('fires the signal of every task', async () => {
        const tasks = [new RecordingTask('one'), new RecordingTask('two')];
        const candidate = await leading('a', ...tasks);
        await comesTrue(() => tasks.every(({ running }) => running === 1));
        await candidate.stop();
        expect(tasks.map(({ signal }) => signal?.aborted)).toEqual([true, true]);
        expect(tasks.map(({ running }) => running)).toEqual([0, 0]);
      });

      it('waits for tasks that return late', async () => {
        const late = new RecordingTask('late', false);
        const candidate = await leading('a', late);
        await comesTrue(() => late.running === 1);
        let isStopped = false;
        const stopping = candidate.stop().then(() => (isStopped = true));
        await comesTrue(() => late.signal?.aborted === true);
        await harness.advance(1);
        expect([isStopped, late.running]).toEqual([false, 1]);
        late.returnNow();
        await stopping;
        expect(late.running).toBe(0);
      });

      it('ends the lead', async () => {
        const candidate = await leading('a', new RecordingTask('task'));
        await candidate.stop();
        expect(candidate.status().isLeader).toBe(false);
      });

      it('may be asked twice, at once, and before any start', async () => {
        const never = standing('never-started');
        await never.stop();
        const task = new RecordingTask('task');
        const candidate = await leading('a', task);
        await Promise.all([candidate.stop(), candidate.stop()]);
        await candidate.stop();
        expect([never.status().isLeader, candidate.status().isLeader, task.running]).toEqual([false, false, 0]);
      });

      it('right after the start leaves no task running', async () => {
        const task = new RecordingTask('task');
        const candidate = standing('a', task);
        await Promise.all([candidate.start(), candidate.stop()]);
        await harness.advance(patienceMs);
        expect([candidate.status().isLeader, task.running]).toEqual([false, 0]);
      });
    });

    if (candidates === 1) return;

    describe('of several candidates', () => {
      it('one leads, and the others know who and run nothing', async () => {
        const tasks = ['a', 'b', 'c'].map((identity) => new RecordingTask(identity));
        const all = tasks.map((task) => standing(task.name, task));
        await Promise.all(all.map((candidate) => candidate.start()));
        await comesTrue(() => all.every((candidate) => candidate.status().leader !== undefined));
        await harness.advance(patienceMs);
        expect(all.filter((candidate) => candidate.status().isLeader)).toHaveLength(1);
        const leader = all.findIndex((candidate) => candidate.status().isLeader);
        expect(all.map((candidate) => candidate.status().leader)).toEqual(all.map(() => tasks[leader]?.name));
        expect(tasks.map(({ runs }) => runs)).toEqual(tasks.map((_, index) => (index === leader ? 1 : 0)));
      });

      it('the next one leads when the leader stops, but not before its tasks have returned', async () => {
        const late = new RecordingTask('late', false);
        const next = new RecordingTask('next');
        const first = await leading('first', late);
        const second = standing('second', next);
        await second.start();
        await comesTrue(() => late.running === 1);
        const stopping = first.stop();
        await comesTrue(() => late.signal?.aborted === true);
        await harness.advance(1);
        expect([second.status().isLeader, next.runs]).toEqual([false, 0]);
        late.returnNow();
        await stopping;
        await comesTrue(() => second.status().isLeader && next.running === 1);
        expect([late.running, second.status().leader]).toEqual([0, 'second']);
      });

      it('one that follows can stop, and the leader goes on', async () => {
        const task = new RecordingTask('task');
        const leader = await leading('first', task);
        const follower = standing('second');
        await follower.start();
        await follower.stop();
        await harness.advance(patienceMs);
        expect(leader.status()).toMatchObject({ isLeader: true, leader: 'first' });
        expect([task.runs, task.signal?.aborted]).toEqual([1, false]);
      });
    });
  });
}
