import { open, readFile, rename } from 'node:fs/promises';

import { parseState, writeState, type SessionState } from './session-state.js';

/**
 * The state on disk. A save is a new file that takes the old one's place, so that being killed at any moment leaves
 * either the state before or the state after. Saves must not overlap: they share one temporary file.
 */
export class StateFile {
  constructor(private readonly path: string) {}

  /**
   * The state kept by an earlier process of this pod. A file that cannot be used (broken, or another session's) is
   * moved aside, where a person can look at it, and reported; the session then starts afresh.
   */
  async load(sessionId: string | undefined, report: (sentence: string) => void): Promise<SessionState | undefined> {
    try {
      return checkOwner(parseState(await readFile(this.path, 'utf8')), sessionId);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      await rename(this.path, `${this.path}.set-aside`);
      report(`state file set aside as ${this.path}.set-aside: ${(error as Error).message}`);
      return undefined;
    }
  }

  async save(state: SessionState): Promise<void> {
    const temporary = `${this.path}.tmp`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(writeState(state));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.path);
  }
}

function checkOwner(state: SessionState, sessionId: string | undefined): SessionState {
  if (sessionId !== undefined && state.sessionId !== null && state.sessionId !== sessionId) {
    throw new Error('it belongs to another session');
  }
  return { ...state, sessionId: sessionId ?? state.sessionId };
}
