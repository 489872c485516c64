import fc from 'fast-check';

import { StoppableClock, type Way } from '../../../test/support/fake-lease.js';
import { LeaseStage, type Standing } from '../../../test/support/lease-stage.js';

type Act = 'stop process' | 'wake process' | 'deafen' | 'undeafen' | Way;

const ACTS: readonly Act[] = [
  'stop process',
  'wake process',
  'deafen',
  'undeafen',
  'open',
  'slow',
  'away',
  'answers lost',
  'stalled',
];
const IDENTITIES = ['a', 'b', 'c'];
const STEP_MS = 250;

/** What happens to one candidate, and how long it is like that. */
const happening = fc.record({
  who: fc.nat(IDENTITIES.length - 1),
  act: fc.constantFrom(...ACTS),
  thenMs: fc.integer({ min: 0, max: 80 }).map((steps) => steps * STEP_MS),
});

interface Rival extends Standing {
  clock: StoppableClock;
}

function doTo({ lock, clock }: Rival, act: Act): void {
  if (act === 'stop process') clock.stop();
  else if (act === 'wake process') clock.wake();
  else if (act === 'deafen' || act === 'undeafen') lock.isDeaf = act === 'deafen';
  else lock.way = act;
}

/** Whoever would go on with leader work if it looked at its signal now. */
const working = (rivals: Rival[]): Rival[] => rivals.filter(({ task }) => task.isRunning && !task.signal!.aborted);

async function play(happenings: { who: number; act: Act; thenMs: number }[]): Promise<void> {
  const stage = new LeaseStage();
  const rivals = IDENTITIES.map((identity) => {
    const clock = new StoppableClock(stage.clock);
    return { ...stage.candidate(identity, clock), clock };
  });
  const passes = async (ms: number): Promise<void> => {
    for (let passedMs = 0; passedMs <= ms; passedMs += STEP_MS) {
      await stage.clock.advance(STEP_MS);
      expect(working(rivals).length).toBeLessThanOrEqual(1);
    }
  };
  for (const { leadership } of rivals) await leadership.start();
  for (const { who, act, thenMs } of happenings) {
    doTo(rivals[who]!, act);
    await passes(thenMs);
  }
  for (const rival of rivals) for (const act of ['wake process', 'undeafen', 'open'] as const) doTo(rival, act);
  await passes(30_000);
  expect(working(rivals)).toHaveLength(1);
  await stage.close();
}

describe('rivals for a lease', () => {
  it.each(['takes', 'renews'])('an answer that is read long after it was given %s nothing', async (what) => {
    const stage = new LeaseStage();
    const clock = new StoppableClock(stage.clock);
    const sleeper = stage.candidate('sleeper', clock);
    if (what === 'takes') sleeper.lock.way = 'slow';
    await sleeper.leadership.start();
    await stage.clock.advance(1_500);
    sleeper.lock.way = 'slow';
    if (what === 'renews') await stage.clock.advance(2_000);
    expect(stage.lease.lease?.record.holder).toBe('sleeper');
    clock.stop();
    const rival = await stage.standing('rival');
    await stage.clock.advance(60_000);
    expect(rival.leadership.status().isLeader).toBe(true);
    clock.wake();
    await stage.clock.advance(0);
    expect([sleeper.leadership.status().isLeader, sleeper.task.isRunning]).toEqual([false, false]);
    await stage.close();
  });

  it(
    'never lead both, whatever happens to their processes and their ways to it, and one leads when it is over',
    () => fc.assert(fc.asyncProperty(fc.array(happening, { maxLength: 25 }), play), { numRuns: 200 }),
    60_000,
  );
});
