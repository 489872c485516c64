import type { Pod } from '../../runtime/pod.js';
import { imported } from '../record-rules.js';
import type { ImportToken, StoreLimits } from '../session-store.js';
import type { Answer, ScriptRunner } from './script-runner.js';
import type { ScriptName } from './scripts/session-scripts.js';
import { hashOfImported } from './session-hash.js';

/** Small enough that the server is held up for less than a millisecond, large enough that ten thousand sessions are done in a moment. */
const KEYS_IN_ONE_STEP = 25;
const UIDS_IN_ONE_STEP = 250;

/**
 * Makes the store usable after it lost its memory. Each step is a script that works only for the latest import on this
 * run of the server; when one is void the whole is, and whoever leads begins again.
 */
export class RedisImport {
  constructor(
    private readonly scripts: ScriptRunner,
    private readonly limits: StoreLimits,
  ) {}

  async pod({ token }: ImportToken, pod: Pod): Promise<'imported' | 'outranked' | 'void'> {
    const isCondemned = pod.markedUntilMs !== undefined || pod.deleting;
    const draft = isCondemned ? undefined : imported('absent', pod, { nowMs: 0, startTimeoutMs: 0 });
    const { startTimeoutMs } = this.limits;
    const shown = draft && hashOfImported(draft);
    const [outcome] = await this.scripts.run('importPod', { token, shown, startTimeoutMs });
    return outcome as 'imported' | 'outranked' | 'void';
  }

  /** What follows from the records is built anew from them: after a loss the two may not agree. */
  async finish({ token }: ImportToken, liveUids: ReadonlySet<string>): Promise<'usable' | 'void'> {
    const isDone =
      (await this.noteLiving(token, [...liveUids])) &&
      (await this.overAllKeys('clearLists', { token })) &&
      (await this.overAllKeys('relist', { token, tombstoneMs: this.limits.tombstoneMs }));
    if (!isDone) return 'void';
    const [outcome] = await this.scripts.run('finishImport', { token });
    return outcome as 'usable' | 'void';
  }

  private async noteLiving(token: string, uids: readonly string[]): Promise<boolean> {
    for (let at = 0; at === 0 || at < uids.length; at += UIDS_IN_ONE_STEP) {
      const some = uids.slice(at, at + UIDS_IN_ONE_STEP);
      if (isVoid(await this.scripts.run('noteLiving', { token, uids: some, isFirst: at === 0 }))) return false;
    }
    return true;
  }

  private async overAllKeys(step: ScriptName, ask: object): Promise<boolean> {
    let cursor = '0';
    do {
      const answer = await this.scripts.run(step, { ...ask, cursor, stretch: KEYS_IN_ONE_STEP });
      if (isVoid(answer)) return false;
      cursor = answer[1] as string;
    } while (cursor !== '0');
    return true;
  }
}

function isVoid([outcome]: Answer): boolean {
  return outcome === 'void';
}
