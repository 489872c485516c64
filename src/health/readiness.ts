import { Injectable } from '@nestjs/common';

import { Lifecycle } from '../lifecycle/lifecycle.js';

/** Ready: synced once and not draining. An outage of store or runtime is no reason to leave the Service: see /health. */
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
    return this.hasSynced ? undefined : 'the sessions and pods are not known yet';
  }
}
