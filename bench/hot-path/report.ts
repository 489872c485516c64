import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';

import { budgetTable } from './budgets.js';
import { barChart } from './charts.js';
import { cpuUsOf, spreadOf } from './figures.js';
import type { Measured } from './rounds.js';
import { asMarkdown, tableOf } from './tables.js';
import type { Trial } from './trials/trial.js';

export interface Run {
  stage: string;
  missing: readonly string[];
  measured: readonly Measured[];
  trials: readonly Trial[];
  tookSeconds: number;
}

const PAGE = 'docs/benchmarks.md';
const FOLDER = 'docs/benchmarks';
const BEGIN = '<!-- figures: npm run bench writes what follows -->';
const END = '<!-- end of figures -->';

/** What people have written around the figures stays. */
export async function writeReport(run: Run): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const page = readFileSync(PAGE, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${PAGE} has no place for figures`);
  await writeFormatted(PAGE, `${before}${BEGIN}\n\n${figures(run)}\n\n${END}${after}`);
  await writeFormatted(
    join(FOLDER, 'figures.json'),
    JSON.stringify({ machine: machine(), ...run, trials: run.trials.map(figuresOf) }),
  );
  for (const one of run.measured) writeFileSync(chartPath(one), chart(one));
  for (const { drawing } of run.trials) if (drawing) writeFileSync(join(FOLDER, drawing.file), drawing.svg);
  console.log(`\nWrote ${PAGE}, charts and raw figures in ${FOLDER}, after ${run.tookSeconds} s.`);
}

function figures({ stage, missing, measured, trials, tookSeconds }: Run): string {
  const parts = [`Made on ${machine()}. Berth on: ${stage}. The run took ${tookSeconds} s.`, ...missing];
  parts.push('### Budgets', asMarkdown(budgetTable(measured, trials)));
  for (const one of measured) {
    const { id, title } = one.workload;
    parts.push(`### ${title}`, asMarkdown(tableOf(one)), `![CPU time](benchmarks/${id}.svg)`);
  }
  for (const { title, note, table, drawing } of trials) {
    parts.push(`### ${title}`, note, asMarkdown(table));
    if (drawing) parts.push(`![${drawing.alt}](benchmarks/${drawing.file})`);
  }
  return parts.join('\n\n');
}

function figuresOf({ drawing: _, ...figures }: Trial): Omit<Trial, 'drawing'> {
  return figures;
}

function chart({ workload, outcomes }: Measured): string {
  const proxies = Object.entries(outcomes).filter(([name]) => name !== 'direct');
  const bars = proxies.map(([label, all]) => ({ label, spread: spreadOf(all.map(cpuUsOf)) }));
  return barChart(workload.title, `µs of CPU per ${workload.unit}`, bars);
}

const chartPath = ({ workload }: Measured): string => join(FOLDER, `${workload.id}.svg`);

function machine(): string {
  const model = cpus()[0]!.model.trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores (${model}), ${memory} GiB, Linux ${release()}, Node ${process.version}, ${versionOf('nginx', '-v')}`;
}

function versionOf(program: string, flag: string): string {
  try {
    return execFileSync('sh', ['-c', `${program} ${flag} 2>&1`], { encoding: 'utf8' })
      .trim()
      .replace(/^.*: /, '');
  } catch {
    return `no ${program}`;
  }
}

async function writeFormatted(path: string, text: string): Promise<void> {
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}
