/**
 * The one list of states and moves, and who may make them. Stores take every change through `assertMove`; the
 * compares that come with a move are in `store/session-store.ts`.
 *
 * absent -> creating -> ready -> terminating -> ended, with `failed` beside creating. A session in creating whose
 * earlier pod died is shown as `healing`.
 */
export const SESSION_STATES = ['creating', 'ready', 'terminating', 'failed', 'ended'] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** What a client is shown. */
export const SHOWN_STATES = [...SESSION_STATES, 'healing'] as const;
export type ShownState = (typeof SHOWN_STATES)[number];

interface Move {
  from: readonly (SessionState | 'absent')[];
  to: SessionState;
}

export const MOVES = {
  /** The owner asks: any replica. From ready only past its lifetime, from failed only past its back-off. */
  open: { from: ['absent', 'ended', 'terminating', 'failed', 'ready'], to: 'creating' },
  /** The pod can be reached: whoever carries the creation. */
  markReady: { from: ['creating'], to: 'ready' },
  /** The pod died: whoever waits for it, or the leader. */
  replace: { from: ['creating', 'ready'], to: 'creating' },
  /** No pod to be had: whoever carries the creation. */
  fail: { from: ['creating'], to: 'failed' },
  /** Idle or past its lifetime: the leader. */
  reap: { from: ['ready', 'failed'], to: 'terminating' },
  /** The owner or an admin asks: any replica. */
  end: { from: ['creating', 'ready', 'failed'], to: 'terminating' },
  /** Its pods are being deleted, later gone: whoever deletes them. */
  finish: { from: ['terminating', 'ended'], to: 'ended' },
  /** The leader, after the store lost its memory: the record becomes what the pods show. */
  import: { from: ['absent', 'creating', 'ready', 'failed', 'terminating', 'ended'], to: 'ready' },
  importUnready: { from: ['absent', 'creating', 'ready', 'failed', 'terminating', 'ended'], to: 'creating' },
  importLost: { from: ['ready'], to: 'ended' },
} as const satisfies Record<string, Move>;

export type MoveName = keyof typeof MOVES;

export function canMove(from: SessionState | 'absent', move: MoveName): boolean {
  return (MOVES[move].from as readonly string[]).includes(from);
}

export function assertMove(from: SessionState | 'absent', move: MoveName): SessionState {
  if (!canMove(from, move)) throw new Error(`illegal move of a session: ${move} from ${from}`);
  return MOVES[move].to;
}

/** Live: has, gets or could soon get a pod. The owner holds the id; the limits count the first two. */
export function isLive(state: SessionState): boolean {
  return state === 'creating' || state === 'ready' || state === 'failed';
}

/** A later version may have more states: what is in one of those is left to the replicas that know it. */
export function isKnown(state: string): state is SessionState {
  return (SESSION_STATES as readonly string[]).includes(state);
}

export function isCounted(state: SessionState): boolean {
  return state === 'creating' || state === 'ready';
}
