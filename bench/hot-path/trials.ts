import type { Budget } from './budgets.js';
import type { Stage } from './stage.js';
import type { Table } from './tables.js';

/** Something that is tried with Berth alone. */
export interface Trial {
  title: string;
  note: string;
  table: Table;
  budgets?: Budget[];
}

interface TrialKind {
  id: string;
  run(stage: Stage, isShort: boolean): Promise<Trial>;
}

export const TRIALS: readonly TrialKind[] = [];
