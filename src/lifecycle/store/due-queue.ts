/**
 * Which ids are due first, at a cost that follows what is due: a heap with one entry per id. An entry says "not
 * later than"; a deadline that moves away leaves it where it is, and it is put right when it comes to the top.
 */
export class DueQueue {
  private readonly heap: { atMs: number; id: string }[] = [];
  private readonly entered = new Map<string, number>();

  /** `trueDueMs` tells when an id is really due; undefined: never again. */
  constructor(private readonly trueDueMs: (id: string) => number | undefined) {}

  /** The id's deadline is now `atMs`. */
  set(id: string, atMs: number): void {
    const standing = this.entered.get(id);
    if (standing !== undefined && standing <= atMs) return;
    this.entered.set(id, atMs);
    this.push({ atMs, id });
  }

  /** The ids due by `nowMs`, most overdue first, at most `limit`; and when the next one beyond these is due. */
  due(nowMs: number, limit: number): { ids: string[]; nextAtMs?: number } {
    const ids: string[] = [];
    let top = this.top();
    while (top && top.atMs <= nowMs && ids.length < limit) {
      ids.push(this.pop().id);
      top = this.top();
    }
    const nextAtMs = top?.atMs;
    for (const id of ids) this.set(id, this.trueDueMs(id) ?? nowMs);
    return { ids, nextAtMs };
  }

  clear(): void {
    this.heap.length = 0;
    this.entered.clear();
  }

  /** The first entry that is as true as it claims. */
  private top(): { atMs: number; id: string } | undefined {
    for (;;) {
      const entry = this.heap[0];
      if (!entry) return undefined;
      const dueMs = this.entered.get(entry.id) === entry.atMs ? this.trueDueMs(entry.id) : undefined;
      if (dueMs !== undefined && dueMs <= entry.atMs) return entry;
      const isStanding = this.entered.get(entry.id) === entry.atMs;
      this.pop();
      if (isStanding && dueMs !== undefined) this.set(entry.id, dueMs);
    }
  }

  private push(entry: { atMs: number; id: string }): void {
    const { heap } = this;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.atMs <= entry.atMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): { atMs: number; id: string } {
    const { heap } = this;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (this.entered.get(first.id) === first.atMs) this.entered.delete(first.id);
    if (heap.length > 0) this.sink(last);
    return first;
  }

  private sink(entry: { atMs: number; id: string }): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child += 1;
      if (heap[child]!.atMs >= entry.atMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  }
}
