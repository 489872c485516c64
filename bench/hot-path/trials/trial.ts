import type { Spread } from '../figures.js';
import type { Stage } from '../stage.js';

export type Table = readonly (readonly string[])[];

export interface Budget {
  what: string;
  limit: number;
  unit: string;
  measured?: Spread;
}

/** Something that is tried with Berth alone. */
export interface Trial {
  title: string;
  note: string;
  table: Table;
  budgets?: Budget[];
  drawing?: { file: string; alt: string; svg: string };
}

export interface TrialKind {
  id: string;
  run(stage: Stage, isShort: boolean): Promise<Trial>;
}

export function notHere(title: string, budgets?: Budget[]): Trial {
  const note = 'Not tried: it takes the Kubernetes API server and the Redis of the tests.';
  return { title, note, table: [['-']], budgets };
}

/** A single measurement. */
export const once = (value: number): Spread => ({ min: value, median: value, max: value });
