import type { Touch, Touched } from '../session-store.js';
import type { Answer, ScriptRunner } from './script-runner.js';
import { moved } from './session-hash.js';

/** So many sessions hold the server up for a tenth of a millisecond or two; then others are let in. */
const TOUCHES_IN_ONE_STEP = 8;
/** So many are sent in one piece. More would only wait for each other, and run out of time. */
const TOUCHES_AT_ONCE = 1_000;

/** A heartbeat: many small scripts in one piece. One that fails says nothing of the others; all that fail throw. */
export async function touchMany(scripts: ScriptRunner, touches: readonly Touch[]): Promise<readonly Touched[]> {
  const answers: Touched[] = [];
  let failure: { reason: unknown } | undefined;
  let isAnyAnswered = touches.length === 0;
  for (const some of inStepsOf(TOUCHES_AT_ONCE, touches)) {
    const steps = inStepsOf(TOUCHES_IN_ONE_STEP, some);
    const outcomes = await scripts.runAll(
      'touch',
      steps.map((step) => ({ touches: step })),
    );
    outcomes.forEach((outcome, at) => answers.push(...answersOf(steps[at]!, outcome)));
    isAnyAnswered ||= outcomes.some(({ status }) => status === 'fulfilled');
    failure ??= outcomes.find((outcome) => outcome.status === 'rejected');
    // Whoever comes next would wait for a server that does not answer.
    if (failure) break;
  }
  if (!isAnyAnswered && failure) throw failure.reason;
  return touches.map((_, at) => answers[at] ?? 'unanswered');
}

function answersOf(step: readonly Touch[], outcome: PromiseSettledResult<Answer>): readonly Touched[] {
  if (outcome.status === 'rejected') return step.map(() => 'unanswered');
  return (outcome.value[1] as readonly unknown[]).map((one) => (one === 1 ? 'touched' : moved(one)));
}

function inStepsOf<T>(size: number, all: readonly T[]): (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}
