/** Something that knows its place in one `Slots`. */
export interface Slotted {
  slot: number;
}

export const NO_SLOT = -1;

/**
 * A set of things that come and go with every request. Not a `Set`: when one of those grows or shrinks, V8 leaves the
 * old table pointing to the new one with its entries in it, and once one old table has outlived a minor collection all
 * that follow it do too, with every other request and all that hangs on it: a quarter of the CPU of a small request.
 */
export class Slots<T extends Slotted> {
  private readonly items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  add(item: T): void {
    item.slot = this.items.length;
    this.items.push(item);
  }

  /** The last one takes the place; without effect when it is not in here. */
  delete(item: T): void {
    const { slot } = item;
    if (this.items[slot] !== item) return;
    item.slot = NO_SLOT;
    const last = this.items.pop()!;
    if (last === item) return;
    this.items[slot] = last;
    last.slot = slot;
  }

  /** As it is now; the things may come and go meanwhile. */
  toArray(): T[] {
    return this.items.slice();
  }
}
