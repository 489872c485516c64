import { sessionId } from '../../../../test/support/openings.js';
import { StoreUnavailable } from '../../lifecycle.errors.js';
import type { Touch } from '../session-store.js';
import type { Answer, ScriptRunner } from './script-runner.js';
import { touchMany } from './touches.js';

/** Answers each script by its place among all that were asked: `away` means that it fails. */
class Scripts {
  readonly pieces: number[] = [];
  private asked = 0;

  constructor(private readonly isAway: (place: number) => boolean) {}

  runAll(_: string, asks: readonly { touches: readonly Touch[] }[]): Promise<readonly PromiseSettledResult<Answer>[]> {
    this.pieces.push(asks.length);
    return Promise.allSettled(asks.map(({ touches }) => this.run(touches)));
  }

  private run(touches: readonly Touch[]): Promise<Answer> {
    const isAway = this.isAway((this.asked += 1));
    return isAway ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve(['touched', touches.map(() => 1)]);
  }
}

const touch = (scripts: Scripts, sessions: number) =>
  touchMany(
    scripts as unknown as ScriptRunner,
    Array.from({ length: sessions }, (_, at) => ({ id: sessionId(`s${at}`), generation: 1, requests: 1 })),
  );

describe('touching many sessions', () => {
  it('sends a thousand in one piece, in small scripts', async () => {
    const scripts = new Scripts(() => false);
    expect(await touch(scripts, 1_000)).toEqual(Array.from({ length: 1_000 }, () => 'touched'));
    expect(scripts.pieces).toEqual([125]);
  });

  /**
   * One script of several ran out of time, and the whole heartbeat was taken for one that the store had not heard: the
   * others were touched again with the same requests, which then counted twice.
   */
  it('says for each script by itself whether it was answered', async () => {
    const answers = await touch(new Scripts((place) => place === 2), 24);
    expect(answers.map((answer) => answer === 'touched')).toEqual([
      ...Array.from({ length: 8 }, () => true),
      ...Array.from({ length: 8 }, () => false),
      ...Array.from({ length: 8 }, () => true),
    ]);
    expect(new Set(answers)).toEqual(new Set(['touched', 'unanswered']));
  });

  it('throws when nothing was answered', async () => {
    await expect(touch(new Scripts(() => true), 24)).rejects.toThrow('away');
  });

  it('asks a server that fell silent for no more', async () => {
    const scripts = new Scripts((place) => place > 1);
    const answers = await touch(scripts, 3_000);
    expect(scripts.pieces).toEqual([125]);
    expect(answers.filter((answer) => answer === 'touched')).toHaveLength(8);
    expect(answers).toHaveLength(3_000);
  });
});
