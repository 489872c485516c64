import fc from 'fast-check';

import { NO_SLOT, Slots } from './slots.js';

it('holds what a set would hold, whatever comes and goes', () => {
  const step = fc.record({ adds: fc.boolean(), which: fc.nat(9) });
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const things = Array.from({ length: 10 }, (_, name) => ({ name, slot: NO_SLOT }));
    const [slots, set] = [new Slots<(typeof things)[number]>(), new Set<(typeof things)[number]>()];
    for (const { adds, which } of steps) {
      const thing = things[which]!;
      if (adds && !set.has(thing)) slots.add(thing);
      if (adds) set.add(thing);
      else slots.delete(thing);
      if (!adds) set.delete(thing);
    }
    expect(new Set(slots.toArray())).toEqual(set);
    expect(slots.size).toBe(set.size);
  });
  fc.assert(property);
});
