import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { StoreLimits } from '../../src/lifecycle/store/session-store.js';
import { VIRTUAL_TIME, type MakeStoreHarness, type Pace } from './session-store/harness.js';
import { Invariants } from './session-store/invariants.js';
import { operations, type Operation } from './session-store/operations.js';
import { offGrid, Walk } from './session-store/walk.js';

/** What chance has to have brought about, or the sequences prove little. */
const WORTH_SEEING = [
  ...['enter: opened 1', 'enter: opened 2', 'enter: found', 'enter: not-yours', 'enter: conflict'],
  ...['endUnder: ended'],
  ...['enter: session-limit', 'enter: owner-limit', 'carryOn: named', 'carryOn: ready', 'carryOn: addressHeldMs'],
  ...['carryOn: terminating', 'carryOn: not-due', 'carryOn: ended', 'tryStart: start', 'tryStart: waitMs'],
  ...['tryStart: moved', 'touch: touched', 'touch: moved', 'reap: terminating', 'reap: not-due', 'reap: moved'],
  ...['replace: creating', 'replace: moved', 'fail: failed', 'fail: moved', 'end: terminating', 'end: not-yours'],
  ...['end: absent', 'finish: ended', 'finish: moved', 'change: absent', 'change: not-yours', 'change: ready'],
  ...['isNamed: true', 'isNamed: false', 'loseMemoryAndImport: usable', 'loseMemoryAndImport: imported'],
];

/** So that what was found is told, as short as it has become by then. */
const WITHIN_THE_TIME = { interruptAfterTimeLimit: 115_000, markInterruptAsFailure: true };

interface Plan {
  /** Another adapter, taken through the same steps, whose answers have to be the same. */
  reference: MakeStoreHarness;
  pace?: Pace;
  runs?: number;
}

/**
 * Random sequences of operations. After each step the store is held to what is always true, and to what the
 * reference answers. On a failure fast-check prints the shortest sequence it found and its seed; SEQUENCES_SEED set to
 * that seed repeats the run.
 */
export function storeSequences(name: string, makeHarness: MakeStoreHarness, plan: Plan): void {
  const { reference, pace = VIRTUAL_TIME, runs = 250 } = plan;
  const half = offGrid(pace);
  const limits: StoreLimits = {
    maxSessions: 3,
    maxSessionsPerOwner: 2,
    startTimeoutMs: (7 + half) * pace.unitMs,
    tombstoneMs: (5 + half) * pace.unitMs,
  };
  const seed = process.env.SEQUENCES_SEED;

  it(`${name} keeps its invariants and agrees with the reference through any sequence of operations`, async () => {
    const seen = new Set<string>();
    const property = fc.asyncProperty(operations(half), async (sequence) => {
      const harnesses = [await makeHarness(limits), await reference(limits)] as const;
      try {
        const [ours, theirs] = [new Walk(harnesses[0], pace), new Walk(harnesses[1], pace)];
        await walkInStep(ours, theirs, { sequence, limits, seen, toleranceMs: pace.marginMs - 1 });
      } finally {
        await Promise.all(harnesses.map((harness) => harness.close()));
      }
    });
    const chosen = seed === undefined ? {} : { seed: Number(seed) };
    await fc.assert(property, { numRuns: runs, ...chosen, ...WITHIN_THE_TIME });
    if (runs >= 100) expect(WORTH_SEEING.filter((outcome) => !seen.has(outcome))).toEqual([]);
  }, 120_000);
}

interface Steps {
  sequence: readonly Operation[];
  limits: StoreLimits;
  seen: Set<string>;
  toleranceMs: number;
}

async function walkInStep(ours: Walk, theirs: Walk, { sequence, limits, seen, toleranceMs }: Steps): Promise<void> {
  const invariants = new Invariants(ours.store, limits);
  for (const operation of sequence) {
    const answer = await ours.perform(operation);
    await theirs.keepUpWith(ours);
    const expected = await theirs.perform(operation);
    for (const outcome of outcomesOf(answer)) seen.add(`${operation.op}: ${outcome}`);
    const [records, expectedRecords] = [await ours.records(), await theirs.records()];
    expectNone(await invariants.faultsAfter(operation, records), operation);
    const reference = normalised({ answer: expected, records: expectedRecords }, theirs.startedAtMs);
    const mine = withinTolerance(normalised({ answer, records }, ours.startedAtMs), reference, toleranceMs);
    if (!isDeepStrictEqual(mine, reference)) expect({ operation, ours: mine }).toEqual({ operation, ours: reference });
  }
}

/** Matchers are slow where they are asked a hundred thousand times, so they are left the words. */
function expectNone(faults: readonly string[], operation: Operation): void {
  if (faults.length > 0) expect({ after: operation, faults }).toEqual({ after: operation, faults: [] });
}

/** The words by which an answer is told from the others of its operation. */
function outcomesOf(answer: unknown): string[] {
  if (Array.isArray(answer)) return answer.flatMap(outcomesOf);
  if (typeof answer !== 'object' || answer === null) return [String(answer)];
  if ('outcome' in answer && 'session' in answer) {
    const { outcome, session } = answer as { outcome: string; session: { opening: number } };
    return [outcome, `${outcome} ${session.opening}`];
  }
  return 'state' in answer ? [String(answer.state)] : Object.keys(answer);
}

/** Moments of the store's clock count from the start of the walk; versions are each store's own business. */
function normalised(value: unknown, startedAtMs: number, key = ''): unknown {
  if (key === 'version') return undefined;
  if (Array.isArray(value)) return value.map((item) => normalised(item, startedAtMs));
  if (typeof value === 'number' && isMoment(key)) return value - startedAtMs;
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.entries(value).map(([name, inner]) => [name, normalised(inner, startedAtMs, name)] as const);
  return Object.fromEntries(known.filter(([, inner]) => inner !== undefined));
}

const DURATIONS = ['waitMs', 'addressHeldMs', 'nextInMs'];

function isMoment(key: string): boolean {
  return key === 'atMs' || key.endsWith('AtMs') || key === 'startNotBeforeMs';
}

/** Ours, with every time that is near enough to the reference's replaced by it. */
function withinTolerance(ours: unknown, reference: unknown, toleranceMs: number, key = ''): unknown {
  if (typeof ours === 'number' && typeof reference === 'number') {
    const isTime = isMoment(key) || DURATIONS.includes(key);
    return isTime && Math.abs(ours - reference) <= toleranceMs ? reference : ours;
  }
  if (typeof ours !== 'object' || ours === null || typeof reference !== 'object' || reference === null) return ours;
  const theirs = reference as Record<string, unknown>;
  const entries = Object.entries(ours).map(
    ([name, inner]) => [name, withinTolerance(inner, theirs[name], toleranceMs, name)] as const,
  );
  return Array.isArray(ours) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}
