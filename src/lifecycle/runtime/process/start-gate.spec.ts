import { FakeClock } from '../../../../test/support/fake-clock.js';
import { StartGate } from './start-gate.js';

describe('the gate that pods start through', () => {
  let clock: FakeClock;
  const never = new AbortController().signal;
  let gate: StartGate;
  let entered: string[];
  beforeEach(() => {
    clock = new FakeClock();
    gate = new StartGate(clock, 2);
    entered = [];
  });

  function enter(name: string, isRestart = false, signal = never): Promise<() => void> {
    const leave = gate.enter(isRestart, signal);
    void leave.then(() => entered.push(name));
    return leave;
  }

  it('lets so many in at a time, and the next as one leaves', async () => {
    const leaves = [enter('a'), enter('b'), enter('c'), enter('d')];
    await clock.advance(0);
    expect(entered).toEqual(['a', 'b']);
    (await leaves[1]!)();
    await clock.advance(0);
    expect(entered).toEqual(['a', 'b', 'c']);
    (await leaves[0]!)();
    (await leaves[2]!)();
    await clock.advance(0);
    expect(entered).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets a restart in first', async () => {
    const first = enter('a');
    for (const name of ['b', 'c', 'd']) void enter(name);
    void enter('restart', true);
    (await first)();
    await clock.advance(0);
    expect(entered).toEqual(['a', 'b', 'restart']);
  });

  it('is kept shut by nobody for longer than a second', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) void enter(name);
    await clock.advance(999);
    expect(entered).toEqual(['a', 'b']);
    await clock.advance(1);
    expect(entered).toEqual(['a', 'b', 'c', 'd']);
  });

  it('counts one who leaves twice, or after its time, once', async () => {
    const leaves = [enter('a'), enter('b'), enter('c'), enter('d'), enter('e')];
    const leave = await leaves[0]!;
    leave();
    leave();
    await clock.advance(0);
    expect(entered).toEqual(['a', 'b', 'c']);
    await clock.advance(1_000);
    expect(entered).toEqual(['a', 'b', 'c', 'd', 'e']);
    leave();
    (await leaves[1]!)();
    await clock.advance(999);
    for (const name of ['f', 'g', 'h']) void enter(name);
    await clock.advance(0);
    expect(entered).toEqual(['a', 'b', 'c', 'd', 'e']);
    await clock.advance(1);
    expect(entered).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });

  it('keeps nobody in line who is to end', async () => {
    const ending = new AbortController();
    const leaves = [enter('a'), enter('b'), enter('ending', false, ending.signal), enter('c')];
    ending.abort();
    (await leaves[2]!)();
    await clock.advance(0);
    expect(entered).toEqual(['a', 'b', 'ending']);
    (await leaves[0]!)();
    await clock.advance(0);
    expect(entered).toEqual(['a', 'b', 'ending', 'c']);
  });
});
