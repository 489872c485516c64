import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { parse } from 'yaml';

import { settingsSchema } from '../../src/config/settings.schema.js';
import { templateSchema } from '../../src/lifecycle/templates/template.js';

/** The chart, its README and the product, compared both ways without Helm. */
const ROOT = join(__dirname, '..', '..');
const CHART = join(ROOT, 'helm', 'berth');
const read = (...path: string[]): string => readFileSync(join(CHART, ...path), 'utf8');

interface Schema {
  properties: Record<string, Schema>;
  $defs: Record<string, Schema>;
}
const values = parse(read('values.yaml')) as { settings: Record<string, unknown> };
const schema = JSON.parse(read('values.schema.json')) as Schema;

/** What only makes sense on one machine, or where there is no cluster around. */
const NOT_IN_A_CLUSTER = ['BIND_ADDRESS', 'KUBECONFIG', 'PROCESS_STATE_PATH', 'REDIS_URL'];
/** For development. */
const NOT_FOR_A_CHART = ['VAULT_TOKEN'];
/** Not offered by the chart: a password that changes comes from Vault. */
const NOT_OFFERED = ['REDIS_PASSWORD_PATH'];

describe('the chart', () => {
  it('offers every setting that there is, or sets it itself, and no other', () => {
    const configured = read('templates', 'configmap.yaml') + read('templates', 'deployment.yaml');
    const made = Object.keys(settingsSchema.shape).filter((name) => configured.includes(name));
    const covered = new Set([
      ...Object.keys(values.settings),
      ...made,
      ...NOT_IN_A_CLUSTER,
      ...NOT_FOR_A_CHART,
      ...NOT_OFFERED,
    ]);
    expect([...covered].sort()).toEqual(Object.keys(settingsSchema.shape).sort());
  });

  it('takes what the schema of its values knows, and that is all of them', () => {
    expect(Object.keys(schema.properties.settings!.properties).sort()).toEqual(Object.keys(values.settings).sort());
  });

  it('knows the fields of a template', () => {
    expect(Object.keys(schema.$defs.template!.properties).sort()).toEqual(Object.keys(templateSchema.shape).sort());
  });

  it('explains its values in its README as values.yaml does', async () => {
    await promisify(execFile)(process.execPath, [join(ROOT, 'scripts', 'chart-readme.mjs'), '--check']);
  });

  it('leaves no value without a word', () => {
    const rows = read('README.md')
      .split('\n')
      .filter((line) => /^\| `/.test(line));
    const without = rows.filter((row) => row.split(/(?<!\\)\|/)[3]!.trim() === '');
    expect(rows.length).toBeGreaterThan(50);
    expect(without.map((row) => row.split('`')[1])).toEqual([]);
  });

  it.each(['dev', 'staging', 'production'])('has values for %s that hold only differences', (environment) => {
    const below = environment === 'staging' ? laid(valuesOf('production'), values) : values;
    expect(sameLeaves(valuesOf(environment), below)).toEqual([]);
  });
});

const valuesOf = (environment: string): object => parse(read(`values-${environment}.yaml`)) as object;

/** One file of values over another, as Helm lays them. */
function laid(upper: object, lower: object): object {
  const merged: Record<string, unknown> = { ...lower };
  for (const [name, value] of Object.entries(upper))
    merged[name] = isMap(value) && isMap(merged[name]) ? laid(value, merged[name]) : value;
  return merged;
}

const isMap = (value: unknown): value is object => value !== null && typeof value === 'object' && !Array.isArray(value);

function sameLeaves(own: object, standard: object, path = ''): string[] {
  return Object.entries(own).flatMap(([name, value]) => {
    const there = (standard as Record<string, unknown>)[name];
    if (value !== null && typeof value === 'object') return sameLeaves(value as object, there ?? {}, `${path}${name}.`);
    return value === there ? [`${path}${name}`] : [];
  });
}
