// The table of values in the chart's README, made from values.yaml: its comments that begin with `# --` are the words.
// node scripts/chart-readme.mjs writes it; with --check it says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs';

import { isMap, parseDocument } from 'yaml';

const CHART = new URL('../helm/berth/', import.meta.url);
const README = new URL('README.md', CHART);
const [BEGIN, END] = ['<!-- values -->', '<!-- end of values -->'];

/** Maps that a user fills as he likes are one value; so is what has a description of its own and nothing below that has. */
function rowsOf(map, path, words) {
  return map.items.flatMap((pair) => {
    const comment = words.get([...path, pair.key.value].join('.')) ?? '';
    const own = [...path, pair.key.value];
    if (!isMap(pair.value) || pair.value.items.length === 0) return [[own, pair.value?.toJSON() ?? null, comment]];
    const below = rowsOf(pair.value, own, words);
    if (!comment) return below;
    if (own[0] === 'settings') return [[own, undefined, comment], ...below.filter(([, value]) => value !== null)];
    return below.some(([, , said]) => said)
      ? [[own, undefined, comment], ...below]
      : [[own, pair.value.toJSON(), comment]];
  });
}

/** What stands above each key, by its path: read from the lines, where a comment is plainly above what it is about. */
function wordsIn(text) {
  const words = new Map();
  const path = [];
  let above = [];
  for (const line of text.split('\n')) {
    const [, indent, rest] = /^( *)(.*)$/.exec(line);
    const key = /^([A-Za-z_][\w-]*):/.exec(rest)?.[1];
    if (rest.startsWith('#')) above.push(rest.replace(/^# ?/, ''));
    else if (key) {
      path.splice(indent.length / 2, Infinity, key);
      words.set(path.join('.'), described(above));
      above = [];
    } else above = [];
  }
  return words;
}

/** From the marker on; what stands before it is for readers of the file. */
function described(lines) {
  const from = lines.findLastIndex((line) => line.startsWith('-- '));
  return from < 0 ? '' : lines.slice(from).join(' ').replace(/^-- /, '').trim();
}

function table() {
  const text = readFileSync(new URL('values.yaml', CHART), 'utf8');
  const cell = (words) => words.replaceAll('|', '\\|');
  const rows = rowsOf(parseDocument(text).contents, [], wordsIn(text)).map(([path, value, words]) => {
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
