import { MemorySessionStore } from '../../src/lifecycle/store/memory-session-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeRandomness } from '../support/fake-randomness.js';
import type { MakeStoreHarness } from './session-store/harness.js';

/** A process that has just started: the first import finds no pods. Everybody in it shares the one store. */
export const memoryHarness: MakeStoreHarness = async (limits) => {
  const clock = new FakeClock();
  const store = new MemorySessionStore(clock, new FakeRandomness(), limits);
  const token = await store.beginImport();
  if (token === 'not-needed') throw new Error('a store that has just started claims to have a memory');
  await store.finishImport(token, new Set());
  return {
    store,
    advance: (ms) => clock.advance(ms),
    loseMemory: () => Promise.resolve(store.loseMemory()),
    secondReplica: () => Promise.resolve(store),
    close: () => Promise.resolve(),
  };
};
