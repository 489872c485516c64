import { Injectable } from '@nestjs/common';

import { Lifecycle } from '../lifecycle/lifecycle.js';

/**
 * Ready: synced once, not draining, not cut off from store and runtime both. An outage of one of them is no reason to
 * leave the Service (all replicas would, at once): see /health.
 */
@Injectable()
export class Readiness {
  private isDraining = false;
  private hasSynced = false;

  constructor(private readonly lifecycle: Lifecycle) {}

  drain(): void {
    this.isDraining = true;
  }

  /** Why this replica is not ready; undefined: it is. */
  async obstacle(): Promise<string | undefined> {
    if (this.isDraining) return 'draining';
    this.hasSynced ||= await this.lifecycle.isSynced();
    if (!this.hasSynced) return 'the sessions and pods are not known yet';
    return (await this.lifecycle.isCutOff())
      ? 'neither the store nor the runtime was heard of for a minute'
      : undefined;
  }
}
