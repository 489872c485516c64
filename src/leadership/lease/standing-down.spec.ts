import { LeaseStage, SOON_MS, type Standing } from '../../../test/support/lease-stage.js';

const LEASE_MS = 15_000;

/** A replica that is cut off from what its leader's work needs should not keep others from doing it. */
describe('a leader that is not fit', () => {
  let stage: LeaseStage;
  beforeEach(() => {
    stage = new LeaseStage();
  });
  afterEach(async () => {
    expect(await stage.close()).toBe(0);
  });

  async function standing(identity: string, isFit: () => boolean): Promise<Standing> {
    const one = stage.candidate(identity);
    one.leadership.standWhile(isFit);
    await one.leadership.start();
    await stage.clock.advance(SOON_MS);
    return one;
  }
  const leads = ({ leadership }: Standing): boolean => leadership.status().isLeader;

  it('hands over to one that is, once its work has returned', async () => {
    let isFit = true;
    const first = await standing('a', () => isFit);
    const second = await standing('b', () => true);
    isFit = false;
    first.task.isStuck = true;
    await stage.clock.advance(LEASE_MS + 5_000);
    expect([leads(second), first.task.signal?.aborted, stage.lease.lease?.record.holder]).toEqual([false, true, 'a']);
    first.task.unstick();
    await stage.clock.advance(SOON_MS);
    expect([leads(first), leads(second), second.task.runs]).toEqual([false, true, 1]);
    isFit = true;
    await stage.clock.advance(60_000);
    expect([leads(first), leads(second)]).toEqual([false, true]);
  });

  it('is left alone for as long as a lease lasts', async () => {
    let isFit = true;
    const first = await standing('a', () => isFit);
    isFit = false;
    await stage.clock.advance(LEASE_MS - 3_000);
    isFit = true;
    await stage.clock.advance(60_000);
    expect([leads(first), first.task.runs]).toEqual([true, 1]);
  });

  it('leads all the same when none is fit, and the lead does not go round for ever', async () => {
    const all = [await standing('a', () => false), await standing('b', () => false)];
    await stage.clock.advance(300_000);
    expect(all.filter(leads)).toHaveLength(1);
    const { transitions } = stage.lease.lease!.record;
    await stage.clock.advance(3_600_000);
    expect(stage.lease.lease!.record.transitions).toBe(transitions);
  });

  it('stands down again when it became fit and unfit once more', async () => {
    let isFit = false;
    const first = await standing('a', () => isFit);
    await stage.clock.advance(120_000);
    isFit = true;
    await stage.clock.advance(120_000);
    expect(leads(first)).toBe(true);
    const { runs } = first.task;
    isFit = false;
    await stage.clock.advance(120_000);
    expect(first.task.runs).toBe(runs + 1);
  });

  it('takes a free lease later than one that is, and at once when it has become fit', async () => {
    let isFit = false;
    const first = await standing('a', () => isFit);
    await stage.clock.advance(LEASE_MS - 3 * SOON_MS);
    expect(leads(first)).toBe(false);
    isFit = true;
    await stage.clock.advance(2_000);
    expect(leads(first)).toBe(true);
  });
});
