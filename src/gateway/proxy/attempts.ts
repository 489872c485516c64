import type { Admission, Pending } from '../../lifecycle/sessions.js';
import { GatewayError } from '../problem.js';

/**
 * `over`: answered, or the client is gone. `unsent`: nothing was sent, and why. `misdirected`: the pod says that this
 * session is not its own (421); its answer waits to be passed on or dropped.
 */
export type Outcome =
  | { is: 'over' }
  | { is: 'unsent'; cause: unknown }
  | { is: 'misdirected'; passOn: () => Promise<Outcome>; drop: () => void };

/** One request on its way to its pod, however it is carried. */
export interface Errand {
  /** The client was answered or is gone. */
  readonly isOver: boolean;
  /** Part of it went along with the first attempt: it cannot be sent twice. */
  readonly isSpent: boolean;
  /** `after`: what proved wrong. `patiently`: for as long as it takes, whatever the client would rather. */
  admit(how: { after?: Admission; patiently: boolean }): Promise<Admission | Pending>;
  answerPending(pending: Pending): void;
  /** To the pod of this admission, once. Throws what cannot be tried again. */
  send(admission: Admission): Promise<Outcome>;
}

/** Where a session is may change under a request; a request that finds it moved this often is not going to arrive. */
const MOST_ATTEMPTS = 3;

/** Lets the request in (which may mean waiting for its pod to start), sends it to the pod, and lets it out. */
export async function carryOut(errand: Errand): Promise<void> {
  let after: Admission | undefined;
  let cause: unknown;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS && !errand.isOver; attempt++) {
    const admission = await errand.admit({ after, patiently: false });
    if ('pending' in admission) return errand.answerPending(admission);
    after = admission;
    try {
      const outcome = await errand.send(admission);
      if (outcome.is === 'over') return;
      if (outcome.is === 'unsent') cause = outcome.cause;
      else {
        const now = await whereNow(errand, admission, outcome.drop);
        if (now && isSame(now, admission)) return void (await outcome.passOn());
        after = now ?? admission;
        outcome.drop();
      }
      if (outcome.is === 'misdirected' && errand.isSpent) throw new GatewayError('POD_UNREACHABLE', MOVED);
    } finally {
      admission.release();
    }
  }
  if (!errand.isOver) throw new GatewayError('POD_UNREACHABLE', UNREACHABLE, { cause });
}

/** A pod said that this session is not its own: is it where we thought? */
async function whereNow(errand: Errand, was: Admission, drop: () => void): Promise<Admission | undefined> {
  const now = await errand.admit({ after: was, patiently: true }).catch((error: unknown) => {
    drop(); // or its connection would wait for ever
    throw error;
  });
  if ('pending' in now) return undefined;
  now.release();
  return now;
}

function isSame(one: Admission, other: Admission): boolean {
  return one.generation === other.generation && one.address === other.address;
}

const UNREACHABLE = 'The pod of this session could not be connected to; nothing was sent, so it is safe to try again.';
const MOVED = 'The session moved to another pod while the request was on its way; it was not executed, try again.';
