import fc from 'fast-check';

import { type LeaseRecord, microTime, toRecord, toSpec } from './lease-record.js';

describe('a record of a lease', () => {
  const time = fc.option(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2200-01-01') }), {
    nil: undefined,
  });
  const anyRecord: fc.Arbitrary<LeaseRecord> = fc.record({
    holder: fc.string(),
    durationMs: fc.integer({ min: 1, max: 100_000 }).map((seconds) => seconds * 1_000),
    acquiredAt: time.map((at) => at && microTime(at.getTime())),
    renewedAt: time.map((at) => at && microTime(at.getTime())),
    transitions: fc.nat(),
  });

  it('is the same after it was written as JSON and read', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const read = JSON.parse(JSON.stringify(toSpec(record))) as ReturnType<typeof toSpec>;
        expect(toRecord(read)).toEqual(record);
      }),
    );
  });

  it('keeps every digit of a time that another program wrote', () => {
    expect(toRecord({ renewTime: '2027-01-01T00:00:00.123456Z' }).renewedAt).toBe('2027-01-01T00:00:00.123456Z');
  });

  it('is that of nobody when the lease says nothing', () => {
    const nobody = { holder: '', durationMs: 0, acquiredAt: undefined, renewedAt: undefined, transitions: 0 };
    expect([toRecord(undefined), toRecord({})]).toEqual([nobody, nobody]);
  });
});
