import type { Outcome } from './load/job.js';

/** Of the rounds. */
export interface Spread {
  min: number;
  median: number;
  max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { min: sorted[0]!, median, max: sorted.at(-1)! };
}

export const cpuUsOf = ({ cpuSeconds, done }: Outcome): number => (cpuSeconds * 1e6) / done;
export const rateOf = ({ done, seconds }: Outcome): number => done / seconds;

/** Round by round, because what slows a round down slows down both. */
export function ratioOf(ours: readonly Outcome[], theirs: readonly Outcome[], of: (one: Outcome) => number): Spread {
  return spreadOf(ours.map((one, round) => of(one) / of(theirs[round]!)));
}

export function differenceOf(ours: readonly Outcome[], base: readonly Outcome[], of: (one: Outcome) => number): Spread {
  return spreadOf(ours.map((one, round) => of(one) - of(base[round]!)));
}

/** Three figures that count, whatever the size. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.01))));
  return value.toLocaleString('en', {
    minimumFractionDigits: Math.min(digits, 2),
    maximumFractionDigits: Math.min(digits, 2),
  });
}

export function written({ min, median, max }: Spread): string {
  return `${short(median)} (${short(min)}-${short(max)})`;
}
