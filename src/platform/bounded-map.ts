/** A map that holds so many at most: the one set longest ago goes first. */
export class BoundedMap<K, V> extends Map<K, V> {
  constructor(private readonly capacity: number) {
    super();
  }

  override set(key: K, value: V): this {
    this.delete(key);
    super.set(key, value);
    if (this.size <= this.capacity) return this;
    const [oldest] = this.keys();
    this.delete(oldest!);
    return this;
  }
}
