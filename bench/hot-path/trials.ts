import { firstRequests, manySessions } from './trials/first-requests.js';
import { idleConnections } from './trials/idle-connections.js';
import { largeBodies } from './trials/large-bodies.js';
import { manyRequests } from './trials/many-requests.js';
import { overload } from './trials/overload.js';
import { profile } from './trials/profile.js';
import { reap } from './trials/reap.js';
import { startUp } from './trials/start-up.js';
import type { TrialKind } from './trials/trial.js';
import { warmClaim } from './trials/warm-claim.js';

/** In this order. */
export const TRIALS: readonly TrialKind[] = [
  profile,
  largeBodies,
  idleConnections,
  manyRequests,
  overload,
  startUp,
  warmClaim,
  reap,
  firstRequests,
  manySessions,
];
