import { setTimeout as pause } from 'node:timers/promises';

import { rateOf, short } from '../figures.js';
import type { Job, Outcome } from '../load/job.js';
import { Load } from '../load/load.js';
import { SESSIONS } from '../rounds.js';
import { start, stop } from '../programs.js';
import type { Stage } from '../stage.js';
import { berth, type BerthTarget } from '../targets/berth.js';
import { jobFor, SATURATED } from '../workloads.js';
import type { TrialKind } from './trial.js';

const PROBE_MS = 100;
/** Until connections are open, and an overload is one. */
const WARM_UP_SECONDS = 2;

/** Takes half of the core, or what is offered would hold up the load generator and the backends before Berth. */
const OTHER = [process.execPath, '-e', 'for (;;);'];
/** Of clients that do not wait for each other, and do not open thousands of connections because answers come late. */
const CONNECTIONS = 4_000;

/** Twice as many requests as one replica can serve, from clients that do not wait for each other. */
export const overload: TrialKind = {
  id: 'overload',
  async run(stage: Stage, isShort: boolean) {
    const ours = await berth({ sessions: SESSIONS, settings: stage.settings });
    const load = new Load();
    const other = start('proxy', OTHER);
    const seconds = isShort ? 0.5 : 5;
    const most = await load.run(
      jobFor(SATURATED, ours, { sessions: SESSIONS, warmUpSeconds: isShort ? 0.3 : 3, seconds }),
    );
    const calm = await offered(load, ours, rateOf(most) / 2, seconds);
    const probe = probing(ours);
    const twice = await offered(load, ours, rateOf(most) * 2, seconds);
    const health = await probe();
    const after = await offered(load, ours, rateOf(most) / 2, seconds);
    await load.stop();
    await stop(other, 'SIGKILL');
    await ours.stop();
    const head = [
      '',
      'offered a second',
      'served a second',
      'refused early (503)',
      'failed',
      'p50, ms',
      'p95, ms',
      'p99, ms',
    ];
    return {
      title: 'Overload, on half a core',
      note: `Meanwhile /health/live answered ${health.answered} of ${health.asked} times, at the slowest after ${short(health.slowestMs)} ms.`,
      table: [
        head,
        row('as much as there can be, waiting for answers', rateOf(most), most),
        row('half of that', rateOf(most) / 2, calm),
        row('twice of that', rateOf(most) * 2, twice),
        row('half of that, right afterwards', rateOf(most) / 2, after),
      ],
    };
  },
};

function offered(load: Load, ours: BerthTarget, rate: number, seconds: number): Promise<Outcome> {
  const job = jobFor(SATURATED, ours, { sessions: SESSIONS, warmUpSeconds: WARM_UP_SECONDS, seconds });
  return load.run({ ...job, kind: 'paced', rate, connections: CONNECTIONS } as Job);
}

function row(name: string, rate: number, outcome: Outcome): string[] {
  const { p50, p95, p99 } = outcome.latencyMs;
  const refused = outcome.otherStatuses['503'] ?? 0;
  return [name, rate, rateOf(outcome), refused, outcome.failed, p50, p95, p99].map((cell) =>
    typeof cell === 'number' ? short(cell) : cell,
  );
}

interface Probed {
  asked: number;
  answered: number;
  slowestMs: number;
}

/** Asks for the health now and then; the function that it gives ends it. */
function probing(ours: BerthTarget): () => Promise<Probed> {
  const probed: Probed = { asked: 0, answered: 0, slowestMs: 0 };
  let isOver = false;
  const run = async (): Promise<Probed> => {
    while (!isOver) {
      const askedMs = performance.now();
      probed.asked += 1;
      const isAnswered = await fetch(`${ours.url}/health/live`).then(
        ({ ok, body }) => body?.cancel().then(() => ok) ?? ok,
        () => false,
      );
      if (isAnswered) probed.answered += 1;
      probed.slowestMs = Math.max(probed.slowestMs, performance.now() - askedMs);
      await pause(PROBE_MS);
    }
    return probed;
  };
  const running = run();
  return () => {
    isOver = true;
    return running;
  };
}
