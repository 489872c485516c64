import { eventually } from '../../../test/support/eventually.js';
import { spreadOf, written } from '../figures.js';
import type { Outcome, PacedJob } from '../load/job.js';
import { Load } from '../load/load.js';
import { readMetrics } from '../metrics.js';
import type { Stage } from '../stage.js';
import { failuresOf } from '../tables.js';
import { berth, type BerthTarget } from '../targets/berth.js';
import { type Budget, notHere, type Trial, type TrialKind } from './trial.js';

const TITLE = 'First requests that claim a warm pod, and cold ones';
const RATE = 10;
const POOL = 20;
const FULL = { rounds: 3, warmUpSeconds: 0.4, seconds: 3 };
const SHORT = { rounds: 1, warmUpSeconds: 0.2, seconds: 0.6 };
/** Arrivals are random: sessions for more than there will be. */
const SPARE = 2;
const FILLED_WITHIN_MS = 20_000;
const STARTS = 'session_pod_creation_duration_seconds';

interface Round {
  outcome: Outcome;
  /** Sessions that became ready meanwhile. */
  starts: number;
  warmStarts: number;
  /** As the replica itself measures it. */
  meanStartMs: number;
}

/** Sessions asked for one after the other: from a pool that is filled again meanwhile, and where there is none. */
export const warmClaim: TrialKind = {
  id: 'warm-claim',
  async run(stage: Stage, isShort: boolean): Promise<Trial> {
    const budget: Budget = { what: 'first request that claims a warm pod: p95', limit: 100, unit: ' ms' };
    if (!stage.newGround) return notHere(TITLE, [budget]);
    const [warmGround, coldGround] = [await stage.newGround(), await stage.newGround()];
    const warm = await berth({ sessions: 1, settings: { ...warmGround.settings, WARM_POOL_SIZE: String(POOL) } });
    const cold = await berth({ sessions: 1, settings: coldGround.settings });
    const { claimed, again, created } = await inTurns(warm, cold, isShort ? SHORT : FULL);
    await Promise.all([warm.stop(), cold.stop()]);
    await Promise.all([warmGround.stop(), coldGround.stop()]);
    budget.measured = spreadOf(claimed.map(({ outcome }) => outcome.latencyMs.p95));
    return {
      title: TITLE,
      note: `${RATE} new sessions a second at random moments, the whole request; the pool has ${POOL} pods and is filled again meanwhile. The node starts nothing and reports at once: a cold start has no container in it.`,
      table: [
        ['', 'sessions started', 'from the pool', 'p50, ms', 'p95, ms', 'start itself, mean, ms', 'failed'],
        rowOf('first requests, warm pool', claimed),
        rowOf('second requests to the same sessions', again),
        rowOf('first requests, no pool', created),
      ],
      budgets: [budget],
    };
  },
};

type Timing = Pick<PacedJob, 'warmUpSeconds' | 'seconds'>;

async function inTurns(warm: BerthTarget, cold: BerthTarget, { rounds, ...timing }: Timing & { rounds: number }) {
  const load = new Load();
  const [claimed, again, created]: [Round[], Round[], Round[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    await eventually(() => expectFull(warm), FILLED_WITHIN_MS);
    claimed.push(await oneRound(load, warm, round, timing));
    // At the same moments, and for a shorter time: none of them is a first one.
    again.push(await oneRound(load, warm, round, { ...timing, seconds: timing.seconds / 3 }));
    created.push(await oneRound(load, cold, round, { ...timing, seconds: (timing.seconds * 2) / 3 }));
  }
  await load.stop();
  return { claimed, again, created };
}

async function expectFull({ metricsUrl }: BerthTarget): Promise<void> {
  const size = (await readMetrics(metricsUrl)).sum('session_warm_pool_size');
  if (size < POOL) throw new Error(`${size} of ${POOL} warm pods`);
}

async function oneRound(load: Load, ours: BerthTarget, round: number, timing: Timing): Promise<Round> {
  const count = Math.ceil(SPARE * RATE * (timing.warmUpSeconds + timing.seconds));
  const ways = Array.from({ length: count }, (_, at) => ours.wayTo(`once-${round}-${at}`, '/execute'));
  const { headers, pids } = ours;
  const before = await startsOf(ours);
  const outcome = await load.run({ kind: 'paced', rate: RATE, bodyBytes: 120, ways, headers, pids, ...timing });
  const after = await startsOf(ours);
  const starts = after.all - before.all;
  const meanStartMs = ((after.seconds - before.seconds) / starts) * 1_000;
  return { outcome, starts, warmStarts: after.warm - before.warm, meanStartMs };
}

async function startsOf({ metricsUrl }: BerthTarget): Promise<{ all: number; warm: number; seconds: number }> {
  const metrics = await readMetrics(metricsUrl);
  return {
    all: metrics.sum(`${STARTS}_count`),
    warm: metrics.sum(`${STARTS}_count`, { start: 'warm' }),
    seconds: metrics.sum(`${STARTS}_sum`),
  };
}

function rowOf(name: string, rounds: readonly Round[]): string[] {
  const spread = (of: (round: Round) => number): string => written(spreadOf(rounds.map(of)));
  const total = (of: (round: Round) => number): number => rounds.reduce((sum, round) => sum + of(round), 0);
  // One of the former row may still be on its way.
  const means = rounds.filter(({ starts }) => starts > 0).map(({ meanStartMs }) => meanStartMs);
  return [
    name,
    String(total(({ starts }) => starts)),
    String(total(({ warmStarts }) => warmStarts)),
    spread(({ outcome }) => outcome.latencyMs.p50),
    spread(({ outcome }) => outcome.latencyMs.p95),
    means.length > 0 ? written(spreadOf(means)) : '',
    String(failuresOf(rounds.map(({ outcome }) => outcome))),
  ];
}
