import { STEADY_AFTER_MS } from '../../deadlines.js';

/** First at once, so that a killed process is hardly missed; then with a pause that keeps a broken one from spinning. */
const PAUSES_MS = [0, 400];

export interface EndOfRun {
  /** Restarts so far without a steady stretch of Ready between. */
  restartsInARow: number;
  /** How long this run had been ready; 0: it never was. */
  readyForMs: number;
}

export type AfterRun = { next: 'restart'; pauseMs: number; restartsInARow: number } | { next: 'give-up' };

/** Whatever ended a run, the process is started again, unless this would be the third time without a steady stretch. */
export function afterRun({ restartsInARow, readyForMs }: EndOfRun): AfterRun {
  const earlier = readyForMs >= STEADY_AFTER_MS ? 0 : restartsInARow;
  const pauseMs = PAUSES_MS[earlier];
  if (pauseMs === undefined) return { next: 'give-up' };
  return { next: 'restart', pauseMs, restartsInARow: earlier + 1 };
}
