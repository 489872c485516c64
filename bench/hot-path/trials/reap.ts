import { spreadOf, written } from '../figures.js';
import { messageOf, startTalking, stop } from '../programs.js';
import type { Ground, Stage } from '../stage.js';
import type { Passed } from '../../store-reaping.js';
import type { Order, Side, Told } from './reap-replica.js';
import { type Budget, notHere, type Trial, type TrialKind } from './trial.js';

const FULL = { few: 1_000, many: 10_000, due: 100, rounds: 3 };
const SHORT = { few: 100, many: 1_000, due: 10, rounds: 1 };
/** Where ten times as many sessions would cost ten times as much; the design gives no figure. */
const FOLLOWS_WHAT_IS_DUE = 1.5;

/** One pass of the leader's reaper: its own code in a process of its own, a real Redis, a real API server. */
export const reap: TrialKind = {
  id: 'reap',
  async run(stage: Stage, isShort: boolean): Promise<Trial> {
    const size = isShort ? SHORT : FULL;
    const title = `A reap pass with ${size.many.toLocaleString('en')} sessions, ${size.due} due`;
    const budgets: [Budget, Budget] = [
      { what: title, limit: 500, unit: ' ms' },
      {
        what: `the same, to ${size.few.toLocaleString('en')} sessions, ${size.due} due`,
        limit: FOLLOWS_WHAT_IS_DUE,
        unit: '',
      },
    ];
    if (!stage.newGround) return notHere(title, budgets);
    const [ours, theirs] = [await stage.newGround(), await stage.newGround()];
    const { few, many, noneDue } = await passes({
      few: sideOf(ours, size.few),
      many: sideOf(theirs, size.many),
      due: size.due,
      rounds: size.rounds,
    });
    await Promise.all([ours.stop(), theirs.stop()]);
    budgets[0].measured = spreadOf(many.map(({ ms }) => ms));
    budgets[1].measured = spreadOf(many.map(({ ms }, round) => ms / few[round]!.ms));
    return {
      title,
      note: 'From the first look at the store until the last pod has been ordered to end; two writes to the API server for each.',
      table: [
        ['sessions', 'due', 'a pass, ms', 'CPU of the replica, ms'],
        rowOf(size.few, size.due, few),
        rowOf(size.many, size.due, many),
        rowOf(size.many, 0, noneDue),
      ],
      budgets,
    };
  },
};

async function passes(order: Order): Promise<Told> {
  const replica = startTalking('proxy', 'bench/hot-path/trials/reap-replica.ts', [JSON.stringify(order)]);
  const told = await messageOf<Told>(replica);
  await stop(replica, 'SIGKILL');
  return told;
}

function sideOf({ kubeconfig, namespace, redis }: Ground, sessions: number): Side {
  return { kubeconfig, namespace, redisPort: redis.port, sessions };
}

function rowOf(sessions: number, due: number, all: readonly Passed[]): string[] {
  const spread = (of: (one: Passed) => number): string => written(spreadOf(all.map(of)));
  return [sessions.toLocaleString('en'), String(due), spread(({ ms }) => ms), spread(({ cpuMs }) => cpuMs)];
}
