export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a session remembers, and what its state file holds. */
export interface SessionState {
  /** Null in a warm pod that nobody has claimed. */
  sessionId: string | null;
  /** How many executes there have been. */
  executions: number;
  data: Json;
  createdAt: string;
  updatedAt: string;
}

export function newState(sessionId: string | null, now: Date): SessionState {
  return { sessionId, executions: 0, data: null, createdAt: now.toISOString(), updatedAt: now.toISOString() };
}

export function execute(state: SessionState, data: Json, now: Date): SessionState {
  return {
    ...state,
    executions: state.executions + 1,
    data: merge(state.data, data),
    updatedAt: now.toISOString(),
  };
}

/** Objects are merged key by key, one level deep; anything else replaces what was there. */
function merge(old: Json, data: Json): Json {
  return isObject(old) && isObject(data) ? { ...old, ...data } : data;
}

function isObject(value: unknown): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Marks the file as ours, so that somebody else's JSON is not taken for a state. */
const FORMAT = 'berth-session-state/1';

export function writeState(state: SessionState): string {
  return JSON.stringify({ format: FORMAT, ...state });
}

/** Throws when the text is not a state. */
export function parseState(text: string): SessionState {
  const { format, ...state } = JSON.parse(text) as Partial<SessionState> & { format?: unknown };
  if (format !== FORMAT || !isState(state)) throw new Error(`it does not hold a state of format ${FORMAT}`);
  return state;
}

function isState(state: Partial<SessionState>): state is SessionState {
  return (
    (state.sessionId === null || typeof state.sessionId === 'string') &&
    Number.isSafeInteger(state.executions) &&
    state.data !== undefined &&
    typeof state.createdAt === 'string' &&
    typeof state.updatedAt === 'string'
  );
}
