import { MOVES, type MoveName } from '../../../session-states.js';

/** What TypeScript knows, as Lua: names and numbers stand in one place only. */

export function luaList(words: readonly string[]): string {
  return `{ ${words.map(quoted).join(', ')} }`;
}

export function luaSet(words: readonly string[]): string {
  return `{ ${words.map((word) => `[${quoted(word)}] = true`).join(', ')} }`;
}

/** May this move be made from the state of `record`? A state that this version does not know is in no list. */
export function mayMove(move: MoveName, record = 'record'): string {
  return `(${luaSet(MOVES[move].from)})[${record}.state]`;
}

/** Where the move leads. */
export function stateAfter(move: MoveName): string {
  return quoted(MOVES[move].to);
}

function quoted(word: string): string {
  return `'${word}'`;
}
