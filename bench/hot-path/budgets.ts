import { cpuUsOf, differenceOf, ratioOf, type Spread, written } from './figures.js';
import type { Measured } from './rounds.js';
import type { Budget, Table, Trial } from './trials/trial.js';

/** The rows of the design that this bench measures, each held against the median of the rounds. */
export function budgetTable(measured: readonly Measured[], trials: readonly Trial[]): Table {
  const budgets = [...fromWorkloads(measured), ...trials.flatMap((trial) => trial.budgets ?? [])];
  const rows = budgets.map(({ what, limit, unit, measured: spread }) => {
    const verdict = spread === undefined ? 'not measured' : spread.median <= limit ? 'kept' : 'missed';
    return [what, `at most ${limit}${unit}`, spread ? written(spread) : '-', verdict];
  });
  return [['what', 'budget', 'measured', ''], ...rows];
}

function fromWorkloads(measured: readonly Measured[]): Budget[] {
  const of = (id: string): Measured['outcomes'] => measured.find(({ workload }) => workload.id === id)?.outcomes ?? {};
  const saturated = of('execute-saturated');
  const steady = of('execute-170');
  const ratio = (name: string): Spread | undefined =>
    saturated.Berth && saturated[name] ? ratioOf(saturated.Berth, saturated[name], cpuUsOf) : undefined;
  const added =
    steady.Berth && steady.direct && differenceOf(steady.Berth, steady.direct, ({ latencyMs }) => latencyMs.p95);
  return [
    {
      what: "CPU per execute, to configurable-http-proxy's",
      limit: 0.4,
      unit: '',
      measured: ratio('configurable-http-proxy'),
    },
    { what: "CPU per execute, to nginx's", limit: 4, unit: '', measured: ratio('nginx') },
    { what: 'p95 added at 170 requests a second', limit: 3, unit: ' ms', measured: added },
  ];
}
