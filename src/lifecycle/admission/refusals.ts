import { LifecycleError } from '../lifecycle.errors.js';
import type { Session } from '../session.js';
import type { Refused } from '../store/session-store.js';
import { templateForbidden } from '../templates/templates.js';

const CAPACITY_RETRY_MS = 5_000;

export function notFound(): LifecycleError {
  return new LifecycleError('SESSION_NOT_FOUND', 'There is no session of this id for you.');
}

/** What the store's refusal means to the one who asked. */
export function refusalOf(refused: Refused): LifecycleError {
  switch (refused) {
    case 'not-yours':
      return notFound();
    case 'ended':
      return endedMeanwhile();
    case 'forbidden':
      return templateForbidden();
    case 'other-generation':
      return otherGeneration();
    case 'conflict':
      return new LifecycleError(
        'SESSION_CONFLICT',
        'The session was opened with another template or environment; end it first.',
      );
    case 'owner-limit':
      return new LifecycleError('OWNER_LIMIT', 'You have as many sessions as one owner may have; end one first.', {
        retryAfterMs: CAPACITY_RETRY_MS,
      });
    case 'session-limit':
      return new LifecycleError('CAPACITY_EXHAUSTED', 'All places for sessions are taken; try again later.', {
        retryAfterMs: CAPACITY_RETRY_MS,
      });
  }
}

export function endedMeanwhile(): LifecycleError {
  return new LifecycleError(
    'SESSION_TERMINATING',
    'The session was ended while this request waited for its pod; ask again to open it anew.',
  );
}

export function otherGeneration(): LifecycleError {
  return new LifecycleError(
    'GENERATION_MISMATCH',
    'The session is not at the generation asked for: what was kept in that pod is gone, and nothing was executed.',
  );
}

export function startTimedOut(sentence: string, reason?: string): LifecycleError {
  return new LifecycleError('SESSION_START_TIMEOUT', sentence, { reason });
}

/** `deadlineMs`: of the start that the request waited for; a failure from then on is a time-out to it. */
export function startFailed(failed: Session, nowMs: number, deadlineMs = Infinity): LifecycleError {
  const { reason, message, atMs } = failed.lastFailure ?? {
    reason: 'Unknown',
    message: 'The pod did not start.',
    atMs: 0,
  };
  if (atMs >= deadlineMs) return startTimedOut(message, reason);
  const retryAfterMs = Math.max(0, (failed.retryAtMs ?? nowMs) - nowMs);
  return new LifecycleError('SESSION_START_FAILED', message, { reason, retryAfterMs });
}
