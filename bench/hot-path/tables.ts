import { cpuUsOf, rateOf, ratioOf, spreadOf, written } from './figures.js';
import type { Outcome } from './load/job.js';
import type { Measured } from './rounds.js';
import type { Table } from './trials/trial.js';

const OURS = 'Berth';
const DIRECT = 'direct';

/** One row for each target: median of the rounds, in brackets the least and the greatest. */
export function tableOf({ workload, outcomes }: Measured): Table {
  const { unit } = workload;
  const head = [
    '',
    `CPU per ${unit}, µs`,
    "Berth's ratio to it",
    `${unit}s a second`,
    'p50, ms',
    'p95, ms',
    'p99, ms',
    'failed',
  ];
  const ours = outcomes[OURS]!;
  const rows = Object.entries(outcomes).map(([name, all]) => {
    const hasCpu = name !== DIRECT;
    const cpu = hasCpu ? written(spreadOf(all.map(cpuUsOf))) : '';
    const ratio = hasCpu && name !== OURS ? written(ratioOf(ours, all, cpuUsOf)) : '';
    const latency = (['p50', 'p95', 'p99'] as const).map((of) =>
      written(spreadOf(all.map(({ latencyMs }) => latencyMs[of]))),
    );
    return [name, cpu, ratio, written(spreadOf(all.map(rateOf))), ...latency, String(failuresOf(all))];
  });
  return [head, ...rows];
}

export function failuresOf(all: readonly Outcome[]): number {
  const others = all.flatMap(({ otherStatuses }) => Object.values(otherStatuses));
  return [...all.map(({ failed }) => failed), ...others].reduce((sum, one) => sum + one, 0);
}

export function asMarkdown(table: Table): string {
  const [head, ...rows] = table;
  return [head!, head!.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

export function asText(table: Table): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) => row.map((cell, at) => cell.padEnd(widths[at]!)).join('  ')).join('\n');
}
