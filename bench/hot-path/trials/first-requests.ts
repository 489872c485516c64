import { setTimeout as pause } from 'node:timers/promises';

import { Load } from '../load/load.js';
import type { Outcome } from '../load/job.js';
import { ratioOf, short, spreadOf, written } from '../figures.js';
import { residentMbOf } from '../process-cost.js';
import { SESSIONS } from '../rounds.js';
import type { Stage } from '../stage.js';
import { berth, type BerthTarget } from '../targets/berth.js';
import { jobFor, WORKLOADS } from '../workloads.js';
import { notHere, once, type Trial, type TrialKind } from './trial.js';

const SETTINGS = { MAX_CONCURRENT_SESSIONS: '5000' };
const STEADY = WORKLOADS.find(({ id }) => id === 'execute-170')!;
/** No longer than opening them takes. */
const MEASURED_SECONDS = 2.5;
const ROUNDS = 3;
/** Opening them has left garbage. */
const SETTLED_MS = 4_000;
const LATER_MS = 10_000;

interface Round {
  pods: number;
  allMs: number;
  quiet: Outcome;
  meanwhile: Outcome;
}

/** Many sessions asked for for the first time in the same moment, while others are in use. */
export const firstRequests: TrialKind = {
  id: 'first-requests',
  async run(stage: Stage, isShort: boolean): Promise<Trial> {
    const count = isShort ? 20 : 300;
    const title = `${count} first requests at once`;
    if (!stage.settings) return notHere(title);
    const ours = await berth({ sessions: SESSIONS, settings: { ...stage.settings, ...SETTINGS } });
    const load = new Load();
    const rounds: Round[] = [];
    for (let at = 0; at < (isShort ? 1 : ROUNDS); at += 1) {
      if (at > 0) await pause(SETTLED_MS);
      const quiet = await steady(load, ours, isShort);
      const meanwhile = steady(load, ours, isShort);
      const startedMs = performance.now();
      const pods = await opened(ours, `first-${startedMs.toFixed(0)}`, count);
      const allMs = performance.now() - startedMs;
      rounds.push({ pods: new Set(pods).size, allMs, quiet, meanwhile: await meanwhile });
    }
    await load.stop();
    await ours.stop();
    const [quiet, meanwhile] = [rounds.map((round) => round.quiet), rounds.map((round) => round.meanwhile)];
    const latency = (of: 'p50' | 'p95', outcomes: Outcome[]): string =>
      written(spreadOf(outcomes.map(({ latencyMs }) => latencyMs[of])));
    return {
      title,
      note: `Cold, on a real API server with a node that starts nothing; meanwhile 170 requests a second go to sessions in use. ${rounds.length} rounds; those opened before stay.`,
      table: [
        ['pods made', 'all after, s', 'p50 of the others before, ms', 'meanwhile', 'p95 before, ms', 'meanwhile'],
        [
          rounds.map(({ pods }) => pods).join(', '),
          written(spreadOf(rounds.map(({ allMs }) => allMs / 1_000))),
          ...(['p50', 'p95'] as const).flatMap((of) => [latency(of, quiet), latency(of, meanwhile)]),
        ],
      ],
      budgets: [
        {
          what: `${title}: p50 of requests to running sessions meanwhile, to before`,
          limit: 2,
          unit: '',
          measured: ratioOf(meanwhile, quiet, ({ latencyMs }) => latencyMs.p50),
        },
      ],
    };
  },
};

/** A replica that has 1,000 sessions which live. */
export const manySessions: TrialKind = {
  id: 'many-sessions',
  async run(stage: Stage, isShort: boolean): Promise<Trial> {
    const count = isShort ? 20 : 1_000;
    const title = `${count} live sessions on one replica`;
    if (!stage.settings) return notHere(title);
    const ours = await berth({ sessions: SESSIONS, settings: { ...stage.settings, ...SETTINGS } });
    const before = residentMbOf(ours.pid);
    const prefix = `many-${performance.now().toFixed(0)}`;
    for (let at = 0; at < count; at += 50) {
      await opened(ours, `${prefix}-${at}`, Math.min(50, count - at));
    }
    const load = new Load();
    const outcome = await steady(load, ours, isShort);
    const after = residentMbOf(ours.pid);
    await pause(isShort ? 0 : LATER_MS);
    const later = residentMbOf(ours.pid);
    await load.stop();
    await ours.stop();
    return {
      title,
      note: 'Each was opened by a request; then 170 requests a second to four of them.',
      table: [
        ['resident before, MB', 'with them, MB', 'ten seconds later', 'p50, ms', 'p95, ms', 'failed'],
        [
          before.toFixed(0),
          after.toFixed(0),
          later.toFixed(0),
          short(outcome.latencyMs.p50),
          short(outcome.latencyMs.p95),
          String(outcome.failed),
        ],
      ],
      budgets: [{ what: 'replica with 1,000 sessions, resident', limit: 300, unit: ' MB', measured: once(after) }],
    };
  },
};

function steady(load: Load, ours: BerthTarget, isShort: boolean): Promise<Outcome> {
  const timing = { sessions: SESSIONS, warmUpSeconds: 0.3, seconds: isShort ? 0.5 : MEASURED_SECONDS };
  return load.run(jobFor(STEADY, ours, timing));
}

/** New sessions, all asked for at once; the addresses of their pods. */
function opened(ours: BerthTarget, prefix: string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => ours.open(`${prefix}-${at}`)));
}
