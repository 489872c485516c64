import { Logger } from '../../platform/logger.js';
import type { Pod } from '../runtime/pod.js';
import { SessionRuntime } from '../runtime/session-runtime.js';
import { type ImportToken, SessionStore } from '../store/session-store.js';
import { Calm } from './calm.js';
import type { LeaderPass } from './leader-pass.js';

const LOOK_EVERY_MS = 1_000;
/** On their way together, in this order. */
const AT_ONCE = 100;

/**
 * Gives a store that lost its memory back what the pods themselves bear witness to. Until this has finished nothing
 * is created, healed or reaped; afterwards every session counts as used just now.
 */
export class ImportTask implements LeaderPass {
  readonly name = 'import';

  constructor(
    private readonly store: SessionStore,
    private readonly runtime: SessionRuntime,
    private readonly calm: Calm,
    private readonly imported: () => void,
    private readonly logger: Logger,
  ) {}

  async pass(): Promise<{ againInMs: number }> {
    const token = await this.store.beginImport();
    if (token !== 'not-needed') await this.import(token);
    return { againInMs: LOOK_EVERY_MS };
  }

  private async import(token: ImportToken): Promise<void> {
    this.calm.broken();
    const living = (await this.runtime.list()).filter(isLiving);
    const assigned = living.filter(({ assignment }) => assignment).sort(highestGenerationFirst);
    for (let at = 0; at < assigned.length; at += AT_ONCE) {
      const some = assigned.slice(at, at + AT_ONCE);
      const outcomes = await Promise.all(some.map((pod) => this.store.importPod(token, pod)));
      if (outcomes.includes('void')) return;
    }
    const outcome = await this.store.finishImport(token, new Set(living.map(({ uid }) => uid)));
    if (outcome === 'void') return;
    this.logger.info({ event: 'store.imported', pods: assigned.length }, 'The store knows the running pods.');
    this.imported();
  }
}

/** Also one that cannot be read here, as of a later version: a record that names it stays as it is. */
function isLiving({ markedUntilMs, deleting }: Pod): boolean {
  return markedUntilMs === undefined && !deleting;
}

function highestGenerationFirst(one: Pod, other: Pod): number {
  return (other.assignment?.generation ?? 0) - (one.assignment?.generation ?? 0);
}
