import { setTimeout as pause } from 'node:timers/promises';

import { spreadOf, type Spread, written } from '../figures.js';
import { cpuSecondsOf, residentMbOf } from '../process-cost.js';
import { stop } from '../programs.js';
import type { Ground, Stage } from '../stage.js';
import { berth, launch } from '../targets/berth.js';
import type { Budget, Trial, TrialKind } from './trial.js';

const TIMES = 5;
const LIMIT_SECONDS = 2;
const LOOK_MS = 5;
const GIVE_UP_MS = 60_000;

const BESIDE_A_LEADER = 'Kubernetes and Redis, another one leads';
const ALONE = 'Kubernetes and an empty Redis, alone';
const PROCESSES = 'processes, store in memory';

interface Started {
  seconds: number;
  cpuSeconds: number;
  residentMb: number;
}

interface Way {
  name: string;
  settings?: NodeJS.ProcessEnv;
  before?: () => Promise<unknown>;
}

/** `node dist/main.js` until /health/ready says 200. */
export const startUp: TrialKind = {
  id: 'start-up',
  async run(stage: Stage, isShort: boolean): Promise<Trial> {
    const [led, alone] = [await stage.newGround?.(), await stage.newGround?.()];
    const leader = led && (await berth({ sessions: 0, settings: led.settings }));
    const started = await inTurns(waysOn(led, alone), isShort ? 1 : TIMES);
    await leader?.stop();
    await led?.stop();
    await alone?.stop();
    return {
      title: 'Start-up of a replica',
      note: 'From its launch until /health/ready says 200. Nothing is compiled beforehand, and there are no sessions.',
      table: [
        ['', 'to ready, s', 'CPU until then, s', 'resident then, MB'],
        ...[...started].map(([name, all]) => rowOf(name, all)),
      ],
      budgets: [BESIDE_A_LEADER, ALONE].map((name) => budgetOf(name, started.get(name))),
    };
  },
};

function waysOn(led?: Ground, alone?: Ground): Way[] {
  const processes = { name: PROCESSES };
  if (!led || !alone) return [processes];
  return [
    { name: BESIDE_A_LEADER, settings: led.settings },
    { name: ALONE, settings: alone.settings, before: () => alone.redis.admin.flushall() },
    processes,
  ];
}

async function inTurns(ways: readonly Way[], times: number): Promise<Map<string, Started[]>> {
  const started = new Map<string, Started[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < times; round += 1) {
    for (const { name, settings, before } of ways) {
      await before?.();
      started.get(name)!.push(await startOnce(settings));
    }
  }
  return started;
}

async function startOnce(settings?: NodeJS.ProcessEnv): Promise<Started> {
  const { child, url, launchedMs } = await launch({ settings });
  while (!(await isReady(url))) {
    if (child.exitCode !== null || performance.now() - launchedMs > GIVE_UP_MS) throw new Error('Berth did not start');
    await pause(LOOK_MS);
  }
  const seconds = (performance.now() - launchedMs) / 1_000;
  const started = { seconds, cpuSeconds: cpuSecondsOf([child.pid!]), residentMb: residentMbOf(child.pid!) };
  await stop(child);
  return started;
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status === 200;
}

function rowOf(name: string, all: readonly Started[]): string[] {
  const spread = (of: (one: Started) => number): string => written(spreadOf(all.map(of)));
  return [
    name,
    spread(({ seconds }) => seconds),
    spread(({ cpuSeconds }) => cpuSeconds),
    spread((one) => one.residentMb),
  ];
}

function budgetOf(name: string, all?: readonly Started[]): Budget {
  const measured: Spread | undefined = all && spreadOf(all.map(({ seconds }) => seconds));
  return { what: `start-up to ready: ${name}`, limit: LIMIT_SECONDS, unit: ' s', measured };
}
