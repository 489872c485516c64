import { Clock } from '../../platform/clock.js';
import { PodDirectory } from '../view/pod-directory.js';

const LONGEST_WITHOUT_STORE_MS = 60_000;

/**
 * Whether this replica still hears of the world. Without the store it goes by the pods, without the runtime by the
 * store; cut off from both for a while it may know an address that is somebody else's by now.
 */
export class Contact {
  private storeAnsweredAtMs: number;

  constructor(
    private readonly pods: PodDirectory,
    private readonly clock: Clock,
  ) {
    this.storeAnsweredAtMs = clock.monotonicMs();
  }

  storeAnswered(): void {
    this.storeAnsweredAtMs = this.clock.monotonicMs();
  }

  isLost(): boolean {
    return this.clock.monotonicMs() - this.storeAnsweredAtMs > LONGEST_WITHOUT_STORE_MS && !this.pods.isCurrent();
  }
}
