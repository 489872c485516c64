import { readFileSync } from 'node:fs';

import { Load } from '../load/load.js';
import { SESSIONS } from '../rounds.js';
import type { Stage } from '../stage.js';
import { berth } from '../targets/berth.js';
import { jobFor, WORKLOADS } from '../workloads.js';
import type { TrialKind } from './trial.js';

const TIME_WAIT = '06';

/** Whether kept connections are used again: each that is not leaves a port that nobody can have for a minute. */
export const manyRequests: TrialKind = {
  id: 'many-requests',
  async run(stage: Stage, isShort: boolean) {
    const ours = await berth({ sessions: SESSIONS, settings: stage.settings });
    const load = new Load();
    const before = waitingOn(ours.addresses);
    let done = 0;
    let failed = 0;
    for (const wanted = isShort ? 1_000 : 100_000; done < wanted;) {
      const timing = { sessions: SESSIONS, warmUpSeconds: 0, seconds: isShort ? 0.5 : 3 };
      const outcome = await load.run(jobFor(WORKLOADS[0]!, ours, timing));
      done += outcome.done;
      failed += outcome.failed + Object.values(outcome.otherStatuses).reduce((sum, one) => sum + one, 0);
    }
    const left = waitingOn(ours.addresses) - before;
    await load.stop();
    await ours.stop();
    return {
      title: 'A hundred thousand requests, and the ports that they used up',
      note: 'Connections to pods that are in TIME_WAIT afterwards, on either side.',
      table: [
        ['requests', 'failed', 'connections in TIME_WAIT'],
        [String(done), String(failed), String(Math.max(left, 0))],
      ],
    };
  },
};

function waitingOn(addresses: readonly string[]): number {
  const ports = new Set(
    addresses.map((address) => Number(address.split(':')[1]).toString(16).toUpperCase().padStart(4, '0')),
  );
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(linesOf).filter(({ state, local, remote }) => {
    return state === TIME_WAIT && (ports.has(local) || ports.has(remote));
  }).length;
}

function linesOf(table: string): { state: string; local: string; remote: string }[] {
  const [, ...lines] = readFileSync(table, 'latin1').trim().split('\n');
  return lines.map((line) => {
    const [, local, remote, state] = line.trim().split(/\s+/);
    return { state: state!, local: local!.split(':')[1]!, remote: remote!.split(':')[1]! };
  });
}
