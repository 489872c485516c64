import { type Candidate, candidateMove, isHeld, leaderMove, type Move, observe, type Observation } from './election.js';
import type { Lease } from './lease-lock.js';
import { type LeaseRecord, microTime, released } from './lease-record.js';

const durations = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };
const me: Candidate = { identity: 'me', durations, holdBackMs: 100 };
const WALL_MS = Date.UTC(2027, 0, 1);
const NOW_TEXT = '2027-01-01T00:00:00.000000Z';

const record = (facts: Partial<LeaseRecord> = {}): LeaseRecord => ({
  holder: 'other',
  durationMs: 15_000,
  acquiredAt: '2026-12-31T23:00:00.000000Z',
  renewedAt: '2026-12-31T23:59:59.123456Z',
  transitions: 4,
  ...facts,
});
const lease = (facts: Partial<LeaseRecord> = {}, version = '7'): Lease => ({ record: record(facts), version });
const seen = (what: Lease | undefined, sinceMs = 0): Observation => ({ lease: what, sinceMs });
const at = (monotonicMs: number) => ({ monotonicMs, wallMs: WALL_MS });

const taken = { holder: 'me', durationMs: 15_000, acquiredAt: NOW_TEXT, renewedAt: NOW_TEXT };

describe('a candidate', () => {
  const rows: [string, Observation, number, Move][] = [
    ['holds back before it makes a lease', seen(undefined), 99, { do: 'wait', untilMs: 100 }],
    ['makes a lease where there is none', seen(undefined), 100, { do: 'create', record: { ...taken, transitions: 0 } }],
    ['holds back before it takes a released lease', seen(lease({ holder: '' })), 99, { do: 'wait', untilMs: 100 }],
    [
      'takes a released lease, which changes hands once more',
      seen(lease({ holder: '', durationMs: 1_000 })),
      100,
      { do: 'update', lease: lease({ holder: '', durationMs: 1_000 }), record: { ...taken, transitions: 5 } },
    ],
    ['leaves a lease alone that was seen to change', seen(lease(), 500), 501, { do: 'wait', untilMs: 15_600 }],
    ['leaves it alone to the last moment', seen(lease(), 500), 15_599, { do: 'wait', untilMs: 15_600 }],
    [
      'takes a lease that was not seen to change for as long as its holder promised',
      seen(lease(), 500),
      15_600,
      { do: 'update', lease: lease(), record: { ...taken, transitions: 5 } },
    ],
    [
      'goes by what the holder promised, not by its own settings',
      seen(lease({ durationMs: 60_000 })),
      30_000,
      { do: 'wait', untilMs: 60_100 },
    ],
    [
      'is not misled by a holder whose clock is an hour behind',
      seen(lease({ renewedAt: '2026-12-31T23:00:00.000000Z' })),
      14_000,
      { do: 'wait', untilMs: 15_100 },
    ],
    [
      'is not misled by a holder whose clock is an hour ahead',
      seen(lease({ renewedAt: '2027-01-01T01:00:00.000000Z' })),
      15_100,
      {
        do: 'update',
        lease: lease({ renewedAt: '2027-01-01T01:00:00.000000Z' }),
        record: { ...taken, transitions: 5 },
      },
    ],
    [
      'that finds its own name goes on with what it had written, at once and without another change of hands',
      seen(lease({ holder: 'me' })),
      0,
      {
        do: 'update',
        lease: lease({ holder: 'me' }),
        record: record({ holder: 'me', renewedAt: NOW_TEXT }),
      },
    ],
  ];
  it.each(rows)('%s', (_name, observation, nowMs, move) => {
    expect(candidateMove(observation, me, at(nowMs))).toEqual(move);
  });
});

describe('the leader', () => {
  const mine = lease({ holder: 'me' });
  const rows: [string, Observation, number, Move][] = [
    ['waits until it is to renew', seen(mine), 1_999, { do: 'wait', untilMs: 2_000 }],
    [
      'renews, and neither the moment of acquisition nor the count of hands changes',
      seen(mine),
      2_000,
      { do: 'update', lease: mine, record: record({ holder: 'me', renewedAt: NOW_TEXT }) },
    ],
    ['loses to another that holds the lease', seen(lease()), 0, { do: 'lose', to: 'other' }],
    [
      'makes the lease again that somebody deleted',
      seen(undefined),
      0,
      { do: 'create', record: { ...taken, transitions: 0 } },
    ],
    [
      'takes the lease again that somebody emptied',
      seen(lease({ holder: '' })),
      0,
      { do: 'update', lease: lease({ holder: '' }), record: { ...taken, transitions: 5 } },
    ],
  ];
  it.each(rows)('%s', (_name, observation, nowMs, move) => {
    expect(leaderMove(observation, me, at(nowMs), 2_000)).toEqual(move);
  });
});

describe('an observation', () => {
  it('begins anew with every renewal that is seen', () => {
    const next = observe(seen(lease()), lease({ renewedAt: '2027-01-01T00:00:01.000000Z' }, '8'), 400);
    expect(next.sinceMs).toBe(400);
  });

  it('goes on when only the version is another, and takes that over', () => {
    const next = observe(seen(lease(), 100), lease({}, '8'), 400);
    expect([next.sinceMs, next.lease?.version]).toEqual([100, '8']);
  });

  it.each([
    ['of a lease that vanished', seen(lease()), undefined],
    ['of a lease that appeared', seen(undefined), lease()],
    ['of the first lease', undefined, lease()],
    ['of the first absence', undefined, undefined],
  ])('begins anew: %s', (_name, before, now) => {
    expect(observe(before, now, 400)).toEqual({ lease: now, sinceMs: 400 });
  });

  it('goes on as long as there is no lease', () => {
    expect(observe(seen(undefined, 100), undefined, 400).sinceMs).toBe(100);
  });

  it.each([
    ['a lease within its time', lease(), 14_999, true],
    ['a lease past its time', lease(), 15_000, false],
    ['a released lease', lease({ holder: '' }), 0, false],
    ['no lease', undefined, 0, false],
  ])('tells whether %s is held', (_name, what, nowMs, held) => {
    expect(isHeld(seen(what), nowMs)).toBe(held);
  });
});

describe('a release', () => {
  it('names nobody and is short, and keeps the count of hands', () => {
    expect(released(record({ holder: 'me' }), WALL_MS)).toEqual({
      holder: '',
      durationMs: 1_000,
      acquiredAt: microTime(WALL_MS),
      renewedAt: microTime(WALL_MS),
      transitions: 4,
    });
  });
});
