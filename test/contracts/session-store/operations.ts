import fc from 'fast-check';
import type { Caller, Env, Opening, Timeouts } from '../../../src/lifecycle/session.js';
import { SESSION_STATES, type SessionState } from '../../../src/lifecycle/session-states.js';
import { admin, alice, bob } from '../../support/openings.js';

/**
 * One thing that may happen to a store, chosen by chance. Operations on a session take what they compare from the
 * record as it is then, or get it wrong in one of the ways in which callers do. All times are in units.
 */
export type Operation =
  | { op: 'enter'; id: string; by: Caller; asked: Opening['asked']; heldFor?: number }
  | { op: 'carryOn'; id: string; by: Caller; address: string }
  | { op: 'tryStart' | 'reap' | 'touch'; id: string; knows: Knowledge }
  | { op: 'namePod'; id: string; knows: Knowledge; again: boolean }
  | { op: 'markReady'; id: string; knows: Knowledge; address: string }
  | { op: 'replace'; id: string; knows: Knowledge; crashed: boolean; startAfter: number }
  | { op: 'fail'; id: string; knows: Knowledge; backOff: number }
  | { op: 'postpone'; id: string; knows: Knowledge; by: number }
  | { op: 'finish'; id: string; knows: Knowledge; pods: 'left' | 'none' }
  | { op: 'end'; id: string; by: Caller }
  | { op: 'endUnder'; id: string; by: Caller }
  | { op: 'change'; id: string; by: Caller; timeouts: Timeouts }
  | { op: 'isNamed'; id: string; knows: Knowledge }
  | { op: 'list'; owner?: string; state?: SessionState; template?: string; limit: number }
  | { op: 'due' }
  | { op: 'pass'; units: number }
  | { op: 'loseMemoryAndImport' };

/** What the caller believes of the record that it wants to change. */
export type Knowledge = 'the truth' | 'no uid' | 'an earlier generation' | 'another pod';

/** Few of everything, so that operations meet. */
const id = fc.constantFrom('a', 'a', 'b', 'b', 'c', 'd');
const by = fc.oneof(
  { weight: 5, arbitrary: fc.constant(alice) },
  { weight: 3, arbitrary: fc.constantFrom(bob, bob, admin) },
);
const knows = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Knowledge>('the truth') },
  { weight: 2, arbitrary: fc.constantFrom<Knowledge>('no uid', 'an earlier generation', 'another pod') },
);
const address = fc.constantFrom('10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80');
const units = fc.constantFrom(0, 1, 2, 3, 5);
const timeouts = fc.record(
  { idleTimeoutMs: fc.constantFrom(2, 4, 6), maxLifetimeMs: fc.constantFrom(0, 3, 8) },
  { requiredKeys: [] },
);
const asked: fc.Arbitrary<Opening['asked']> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        template: fc.constantFrom('default', 'gpu'),
        env: fc.constantFrom<Env>({}, { A: '1' }),
        idleTimeoutMs: fc.constantFrom(2, 4),
        maxLifetimeMs: fc.constantFrom(0, 3),
      },
      { requiredKeys: [] },
    ),
  },
);

const heldFor = fc.constantFrom(undefined, undefined, 1, 2);

/** `offGrid` is added to every period, so that on a real clock nothing happens right at a border. */
export function operations(offGrid: number): fc.Arbitrary<Operation[]> {
  const period = units.map((count) => (count === 0 ? 0 : count + offGrid));
  const some = <Kind extends Operation>(weight: number, arbitrary: fc.Arbitrary<Kind>) => ({ weight, arbitrary });
  const offTheGrid = <T extends Timeouts>(given: T): T => ({
    ...given,
    ...(given.idleTimeoutMs ? { idleTimeoutMs: given.idleTimeoutMs + offGrid } : {}),
    ...(given.maxLifetimeMs ? { maxLifetimeMs: given.maxLifetimeMs + offGrid } : {}),
  });
  const one = fc.oneof(
    some(10, fc.record({ op: fc.constant('enter'), id, by, asked: asked.map(offTheGrid), heldFor })),
    some(30, fc.record({ op: fc.constant('carryOn'), id, by, address })),
    some(10, fc.record({ op: fc.constant('tryStart'), id, knows })),
    some(10, fc.record({ op: fc.constantFrom('reap', 'touch'), id, knows })),
    some(2, fc.record({ op: fc.constant('namePod'), id, knows, again: fc.boolean() })),
    some(3, fc.record({ op: fc.constant('markReady'), id, knows, address })),
    some(3, fc.record({ op: fc.constant('replace'), id, knows, crashed: fc.boolean(), startAfter: period })),
    some(2, fc.record({ op: fc.constant('fail'), id, knows, backOff: period })),
    some(1, fc.record({ op: fc.constant('postpone'), id, knows, by: period })),
    some(
      3,
      fc.record({ op: fc.constant('finish'), id, knows, pods: fc.constantFrom('left' as const, 'none' as const) }),
    ),
    some(4, fc.record({ op: fc.constant('end'), id, by })),
    some(3, fc.record({ op: fc.constant('endUnder'), id, by })),
    some(4, fc.record({ op: fc.constant('change'), id, by, timeouts: timeouts.map(offTheGrid) })),
    some(2, fc.record({ op: fc.constant('isNamed'), id, knows })),
    some(
      2,
      fc.record({
        op: fc.constant('list'),
        owner: fc.constantFrom(undefined, alice.owner, bob.owner),
        state: fc.constantFrom(undefined, ...SESSION_STATES),
        template: fc.constantFrom(undefined, 'gpu'),
        limit: fc.constantFrom(1, 2, 10),
      }),
    ),
    some(2, fc.record({ op: fc.constant('due') })),
    some(12, fc.record({ op: fc.constant('pass'), units: fc.constantFrom(1, 2, 3, 6) })),
    some(1, fc.record({ op: fc.constant('loseMemoryAndImport') })),
  );
  return fc.array(one, { minLength: 1, maxLength: 80, size: 'max' });
}
