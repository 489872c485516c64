import { FakeClock } from '../../../test/support/fake-clock.js';
import { RecordingLogger } from '../../../test/support/recording-logger.js';
import { Overload } from './overload.js';

describe('an overload', () => {
  let clock: FakeClock;
  let logger: RecordingLogger;
  let overload: Overload;
  let endTurn: (() => void) | undefined;

  beforeEach(() => {
    clock = new FakeClock();
    logger = new RecordingLogger();
    overload = new Overload(clock, logger, (run) => (endTurn = run));
  });

  /** One turn of the loop with so many requests, each of which takes a while; which of them were refused. */
  const turn = async (requests: number, eachMs: number): Promise<boolean[]> => {
    const refused: boolean[] = [];
    for (let request = 0; request < requests; request += 1) {
      refused.push(overload.refuses());
      await clock.advance(refused.at(-1) ? eachMs / 8 : eachMs);
    }
    endTurn?.();
    return refused;
  };
  const turns = async (count: number, requests: number, eachMs: number): Promise<boolean[][]> => {
    const all: boolean[][] = [];
    for (let n = 0; n < count; n += 1) all.push(await turn(requests, eachMs));
    return all;
  };
  const none = (refused: boolean[][]): boolean => refused.flat().every((is) => !is);

  it('is none while turns are short, however long that goes on', async () => {
    expect(none(await turns(200, 300, 0.25))).toBe(true);
  });

  it('is none while few ask, however late each of them is served', async () => {
    expect(none(await turns(20, 200, 4))).toBe(true);
  });

  it('is none because of one long pause, with requests before and after it', async () => {
    await turns(50, 10, 1);
    expect(none([await turn(1_000, 4)])).toBe(true);
    expect(none(await turns(50, 10, 1))).toBe(true);
  });

  it('is none when long turns come now and then', async () => {
    for (let round = 0; round < 20; round += 1) {
      expect(none(await turns(4, 400, 0.5))).toBe(true);
      await clock.advance(200);
    }
  });

  it('begins when turns have been long for a second, and leaves the first part of each turn alone', async () => {
    expect(none(await turns(5, 400, 0.5))).toBe(true);
    const refused = await turn(400, 0.5);
    expect(refused.slice(0, 250)).toEqual(Array(250).fill(false));
    expect(refused.slice(250)).toEqual(Array(150).fill(true));
  });

  it('goes on while there are refusals, though they make the turns shorter', async () => {
    await turns(5, 400, 0.5);
    for (const refused of await turns(100, 400, 0.5)) expect(refused.filter((is) => is)).toHaveLength(150);
  });

  it('is over after a second without a refusal, and takes a second of long turns to come back', async () => {
    await turns(6, 400, 0.5);
    await turns(110, 10, 1);
    expect(none(await turns(5, 400, 0.5))).toBe(true);
    expect(none([await turn(400, 0.5)])).toBe(false);
  });

  it('is over when nobody asks for a while', async () => {
    await turns(6, 400, 0.5);
    await clock.advance(1_500);
    expect(none(await turns(5, 400, 0.5))).toBe(true);
  });

  it('is told of once when it begins and once when it is over', async () => {
    await turns(8, 400, 0.5);
    await clock.advance(1_500);
    await turn(1, 1);
    expect(logger.lines.map(({ event, level, refused }) => ({ event, level, refused }))).toEqual([
      { event: 'edge.overloaded', level: 'warn', refused: undefined },
      { event: 'edge.keeping-up', level: 'info', refused: 3 * 150 },
    ]);
  });
});
