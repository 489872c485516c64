import { Randomness } from '../../platform/randomness.js';
import type { ImportToken } from './session-store.js';

/** The epoch of the memory store: a marker that only a finished import sets, and the token of the one under way. */
export class MemoryImport {
  hasMarker = false;
  private token?: string;

  constructor(private readonly randomness: Randomness) {}

  /** A later import makes the tokens of earlier ones void. */
  begin(): ImportToken | 'not-needed' {
    if (this.hasMarker) return 'not-needed';
    this.token = this.randomness.uuid();
    return { token: this.token };
  }

  isCurrent({ token }: ImportToken): boolean {
    return !this.hasMarker && token === this.token;
  }

  setMarker(): void {
    this.hasMarker = true;
    this.token = undefined;
  }

  loseMarker(): void {
    this.hasMarker = false;
    this.token = undefined;
  }
}
