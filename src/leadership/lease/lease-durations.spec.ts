import { durationFaults } from './lease-durations.js';

const seconds = (lease: number, renewDeadline: number, retry: number) =>
  durationFaults({ leaseMs: lease * 1_000, renewDeadlineMs: renewDeadline * 1_000, retryMs: retry * 1_000 });

describe('durations of a lease', () => {
  it.each([
    [15, 10, 2],
    [3, 2, 0.5],
    [2, 1.9, 1.5],
  ])('of %d, %d and %d seconds will do', (lease, renewDeadline, retry) => {
    expect(seconds(lease, renewDeadline, retry)).toEqual([]);
  });

  it.each([
    ['no pause between renewals', [15, 10, 0], /^LEASE_RETRY_SECONDS \(0\) has to be greater than 0/],
    ['a negative pause', [15, 10, -1], /^LEASE_RETRY_SECONDS \(-1\)/],
    ['no number', [15, 10, NaN], /^LEASE_RETRY_SECONDS \(NaN\)/],
    ['a deadline of one retry', [15, 2.4, 2], /^LEASE_RENEW_DEADLINE_SECONDS \(2.4\) has to be more than 1.2 times/],
    ['a lease as short as the deadline', [10, 10, 2], /^LEASE_DURATION_SECONDS \(10\) has to be greater than/],
    ['a lease of parts of a second', [15.5, 10, 2], /^LEASE_DURATION_SECONDS \(15.5\) has to be a whole number/],
    ['a lease of less than a second', [0, -1, -2], /whole number of seconds, at least 1/],
  ])('are refused with a reason: %s', (_name, [lease, renewDeadline, retry], sentence) => {
    expect(seconds(lease!, renewDeadline!, retry!).some((fault) => sentence.test(fault))).toBe(true);
  });

  it('are refused for every reason at once', () => {
    expect(seconds(0, 0, 0)).toHaveLength(4);
  });
});
