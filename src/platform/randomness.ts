import { randomUUID } from 'node:crypto';

/** The only source of chance, so that a test can decide what chance brings. */
export abstract class Randomness {
  /** A number in [0, 1). */
  abstract fraction(): number;
  abstract uuid(): string;
}

export class SystemRandomness extends Randomness {
  fraction(): number {
    return Math.random();
  }

  uuid(): string {
    return randomUUID();
  }
}
