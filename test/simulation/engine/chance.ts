import { FakeRandomness } from '../../support/fake-randomness.js';

/** One stream of chance. Streams of one seed are independent: another workload does not change when faults strike. */
export class Chance extends FakeRandomness {
  static of(seed: number, stream: string): Chance {
    return new Chance(mixed(seed, stream));
  }

  between(least: number, most: number): number {
    return least + this.fraction() * (most - least);
  }

  /** Mostly near the least, seldom near the most. */
  mostlyNear(least: number, most: number): number {
    return least + this.fraction() ** 4 * (most - least);
  }

  /** A whole number from 0 up to, not including, this. */
  below(end: number): number {
    return Math.floor(this.fraction() * end);
  }

  happens(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  oneOf<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!;
  }

  /** One of these names, each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const names = Object.keys(weights) as K[];
    let left = this.fraction() * names.reduce((sum, name) => sum + weights[name], 0);
    for (const name of names) if ((left -= weights[name]) < 0) return name;
    return names.at(-1)!;
  }
}

/** FNV-1a over both, and then mixed through (as MurmurHash ends), so that neighbouring seeds have nothing in common. */
function mixed(seed: number, stream: string): number {
  let hash = 0x811c9dc5;
  for (const char of `${seed}/${stream}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
