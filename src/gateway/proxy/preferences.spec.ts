import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import { generationOf, patienceMsOf } from './preferences.js';

it.each([
  [undefined, undefined],
  ['respond-async', 0],
  ['Respond-Async', 0],
  ['wait=10', 10_000],
  ['respond-async, wait=10', 10_000],
  ['wait=0, respond-async', 0],
  ['return=minimal', undefined],
  ['return=minimal; foo="wait=3", respond-async', 0],
  ['wait="5"', 5_000],
])('Prefer: %s means a patience of %s ms', (prefer, expected) => {
  expect(patienceMsOf(prefer)).toBe(expected);
});

it.each(['wait=', 'wait=abc', 'wait=-1', 'wait=1.5', 'respond-async, wait=x'])('Prefer: %s is refused', (prefer) => {
  expect(() => patienceMsOf(prefer)).toThrow(LifecycleError);
});

it('takes a whole generation of at least 1', () => {
  expect(generationOf(undefined)).toBeUndefined();
  expect(generationOf('12')).toBe(12);
});

it.each(['', '0', '-1', '1.0', 'x', '1, 2', '01', '9'.repeat(20)])('If-Session-Generation: %s is refused', (header) => {
  expect(() => generationOf(header)).toThrow(LifecycleError);
});
