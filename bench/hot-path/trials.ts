import { firstRequests, manySessions } from './trials/first-requests.js';
import { idleConnections } from './trials/idle-connections.js';
import { largeBodies } from './trials/large-bodies.js';
import { manyRequests } from './trials/many-requests.js';
import { overload } from './trials/overload.js';
import type { TrialKind } from './trials/trial.js';

/** In this order. */
export const TRIALS: readonly TrialKind[] = [
  largeBodies,
  idleConnections,
  manyRequests,
  overload,
  firstRequests,
  manySessions,
];
