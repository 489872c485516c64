import type { Chance } from '../engine/chance.js';

/** Between clients, replicas and pods. */
export class Network {
  constructor(private readonly chance: Chance) {}

  packetMs(): number {
    return this.chance.mostlyNear(0.1, 2);
  }

  /** A first packet that is lost is sent again after a second, or three. */
  dialMs(): number {
    if (!this.chance.happens(0.03)) return this.packetMs();
    return this.chance.oneOf([1_000, 3_000, 4_500]);
  }
}
