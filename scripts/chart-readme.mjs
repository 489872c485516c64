// The table of values in the chart's README, made from values.yaml: its comments that begin with `# --` are the words.
// node scripts/chart-readme.mjs writes it; with --check it says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs';

import { isMap, parseDocument } from 'yaml';

const CHART = new URL('../helm/berth/', import.meta.url);
const README = new URL('README.md', CHART);
const [BEGIN, END] = ['<!-- values -->', '<!-- end of values -->'];

/** Maps that a user fills as he likes are one value; so is what has a description of its own and nothing below that has. */
function rowsOf(map, path, before) {
  return map.items.flatMap((pair, at) => {
    const comment = described(at === 0 ? `${before ?? ''}\n${pair.key.commentBefore ?? ''}` : pair.key.commentBefore);
    const own = [...path, pair.key.value];
    if (!isMap(pair.value) || pair.value.items.length === 0) return [[own, pair.value?.toJSON() ?? null, comment]];
    const below = rowsOf(pair.value, own, pair.value.commentBefore);
    if (!comment) return below;
    const isExplainedBelow = below.some(([, , words]) => words);
    if (own[0] === 'settings') return [[own, undefined, comment], ...below.filter(([, value]) => value !== null)];
    return isExplainedBelow ? [[own, undefined, comment], ...below] : [[own, pair.value.toJSON(), comment]];
  });
}

/** From the marker on; what stands before it is for readers of the file. */
function described(comment = '') {
  const lines = (comment ?? '').split('\n').map((line) => line.trim());
  const from = lines.findLastIndex((line) => line.startsWith('-- '));
  return from < 0 ? '' : lines.slice(from).join(' ').replace(/^-- /, '').trim();
}

function table() {
  const document = parseDocument(readFileSync(new URL('values.yaml', CHART), 'utf8'));
  const cell = (text) => text.replaceAll('|', '\\|');
  const rows = rowsOf(document.contents, []).map(([path, value, words]) => {
    const shown = value === undefined ? '' : value === null || value === '' ? '' : `\`${cell(JSON.stringify(value))}\``;
    return `| \`${path.join('.')}\` | ${shown} | ${cell(words)} |`;
  });
  return ['| value | default | what it is |', '| --- | --- | --- |', ...rows].join('\n');
}

const { format, resolveConfig } = await import('prettier');
const readme = readFileSync(README, 'utf8');
const [head, rest] = readme.split(BEGIN);
const [, tail] = rest.split(END);
const config = await resolveConfig(README.pathname);
const made = await format(`${head}${BEGIN}\n\n${table()}\n\n${END}${tail}`, { ...config, parser: 'markdown' });

if (made === readme) console.log('chart-readme: up to date');
else if (process.argv.includes('--check')) {
  console.error('chart-readme: helm/berth/README.md is not what values.yaml says; run npm run render');
  process.exitCode = 1;
} else writeFileSync(README, made);
