/**
 * The hot path beside what people would use instead: Berth, configurable-http-proxy and nginx before the same backends, in
 * turns, on the same machine, in the same run. What it says is in docs/benchmarks.md, which it writes.
 *
 *   npm run bench [-- --short] [-- execute-saturated events memory …]
 */
import { budgetTable } from './hot-path/budgets.js';
import { Load } from './hot-path/load/load.js';
import { canPin } from './hot-path/programs.js';
import { writeReport } from './hot-path/report.js';
import { type Measured, measure, type Pace, SESSIONS } from './hot-path/rounds.js';
import { makeStage, type Stage } from './hot-path/stage.js';
import { asText, tableOf } from './hot-path/tables.js';
import { type Target } from './hot-path/target.js';
import { berth, type BerthTarget } from './hot-path/targets/berth.js';
import { configurableHttpProxy } from './hot-path/targets/configurable-http-proxy.js';
import { direct } from './hot-path/targets/direct.js';
import { nginx } from './hot-path/targets/nginx.js';
import { TRIALS } from './hot-path/trials.js';
import type { Trial } from './hot-path/trials/trial.js';
import { WORKLOADS } from './hot-path/workloads.js';

const FULL: Pace = { rounds: 5, lengthFactor: 1 };
/** Only to see that it works. */
const SHORT: Pace = { rounds: 1, lengthFactor: 0.1 };

const words = process.argv.slice(2);
const isShort = words.includes('--short');
const asked = words.filter((word) => !word.startsWith('--'));
const isAsked = ({ id }: { id: string }): boolean => asked.length === 0 || asked.includes(id);

async function proxiesBefore(ours: BerthTarget): Promise<{ targets: Target[]; missing: string[] }> {
  const made = [ours, await configurableHttpProxy(ours.addresses), await nginx(ours.addresses), direct(ours.addresses)];
  const missing = made.filter((one) => typeof one === 'string');
  for (const sentence of missing) console.log(sentence);
  return { targets: made.filter((one) => typeof one !== 'string'), missing };
}

async function measureAll(stage: Stage, pace: Pace): Promise<{ all: Measured[]; missing: string[] }> {
  const workloads = WORKLOADS.filter(isAsked);
  if (workloads.length === 0) return { all: [], missing: [] };
  const ours = await berth({ sessions: SESSIONS, settings: stage.settings });
  const { targets, missing } = await proxiesBefore(ours);
  const load = new Load();
  const all: Measured[] = [];
  for (const workload of workloads) {
    const measured = await measure(workload, targets, load, pace);
    all.push(measured);
    console.log(`\n${workload.title}\n${asText(tableOf(measured))}`);
  }
  await load.stop();
  for (const target of targets) await target.stop();
  return { all, missing };
}

async function tryAll(stage: Stage): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const one of TRIALS.filter(isAsked)) {
    const trial = await one.run(stage, isShort);
    trials.push(trial);
    console.log(`\n${trial.title}\n${trial.note}\n${asText(trial.table)}`);
  }
  return trials;
}

async function main(): Promise<void> {
  const startedMs = performance.now();
  const stage = await makeStage();
  console.log(`Berth on: ${stage.name}. ${canPin ? 'Proxies on core 1, all else on core 0.' : 'Nothing is pinned.'}`);
  const { all, missing } = await measureAll(stage, isShort ? SHORT : FULL);
  const trials = await tryAll(stage);
  await stage.stop();
  const tookSeconds = Math.round((performance.now() - startedMs) / 1_000);
  if (isShort || asked.length > 0)
    console.log(
      `\n${asText(budgetTable(all, trials))}\n\nDone in ${tookSeconds} s. Only a whole run writes docs/benchmarks.md.`,
    );
  else await writeReport({ stage: stage.name, missing, measured: all, trials, tookSeconds });
}

void main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
