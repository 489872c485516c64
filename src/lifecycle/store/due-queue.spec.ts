import { assert, constantFrom, integer, oneof, property, record, array, constant } from 'fast-check';

import { DueQueue } from './due-queue.js';

describe('the queue of deadlines', () => {
  it('gives what is due, the most overdue first, and says when the next one is', () => {
    const due = new Map([
      ['a', 30],
      ['b', 10],
      ['c', 50],
    ]);
    const queue = new DueQueue((id) => due.get(id));
    for (const [id, atMs] of due) queue.set(id, atMs);
    expect(queue.due(30, 10)).toEqual({ ids: ['b', 'a'], nextAtMs: 50 });
  });

  it('gives again what stays due', () => {
    const queue = new DueQueue(() => 10);
    queue.set('a', 10);
    expect(queue.due(20, 10).ids).toEqual(['a']);
    expect(queue.due(20, 10).ids).toEqual(['a']);
  });

  it('follows a deadline that moved away', () => {
    let dueAtMs = 10;
    const queue = new DueQueue(() => dueAtMs);
    queue.set('a', 10);
    dueAtMs = 100;
    expect(queue.due(50, 10)).toEqual({ ids: [], nextAtMs: 100 });
  });

  it('agrees with sorting everything, whatever happens', () => {
    const id = constantFrom('a', 'b', 'c', 'd', 'e');
    const set = record({ do: constant('set' as const), id, atMs: integer({ min: 0, max: 100 }) });
    const forget = record({ do: constant('forget' as const), id, atMs: constant(0) });
    const ask = record({ do: constant('ask' as const), id, atMs: integer({ min: 0, max: 100 }) });
    assert(
      property(array(oneof(set, forget, ask), { maxLength: 200 }), (steps) => {
        const truth = new Map<string, number>();
        const queue = new DueQueue((of) => truth.get(of));
        for (const step of steps) {
          if (step.do === 'forget') truth.delete(step.id);
          if (step.do === 'set') {
            truth.set(step.id, step.atMs);
            queue.set(step.id, step.atMs);
          }
          if (step.do !== 'ask') continue;
          const { ids, nextAtMs } = queue.due(step.atMs, 10);
          const expected = [...truth].filter(([, atMs]) => atMs <= step.atMs).map(([of]) => of);
          expect([...ids].sort()).toEqual(expected.sort());
          const later = [...truth.values()].filter((atMs) => atMs > step.atMs);
          expect(nextAtMs).toBe(later.length > 0 ? Math.min(...later) : undefined);
        }
      }),
    );
  });
});
