import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';

import { loadSettings } from '../../src/config/load-settings.js';
import { settingsSchema } from '../../src/config/settings.schema.js';
import { HTTP_ERRORS } from '../../src/gateway/error-codes.js';
import { GatewayMetrics } from '../../src/gateway/gateway.metrics.js';
import { ROUTES } from '../../src/gateway/routes.js';
import { registerLifecycleGauges } from '../../src/lifecycle/lifecycle-gauges.js';
import { LifecycleMetrics } from '../../src/lifecycle/lifecycle.metrics.js';
import { makeSecrets } from '../../src/vault/vault.module.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeRandomness } from '../support/fake-randomness.js';
import { Replica } from '../support/replica.js';
import { SilentLogger } from '../support/silent-logger.js';

/** The README's tables and the code, compared both ways: what stands in one and not in the other fails. */
const README = readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8');

/** The rows of the table under a heading, cell by cell. */
function table(heading: string): string[][] {
  const section = README.split(/^##+ /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`the README has no section ${heading}`);
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
}

const unquoted = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');
const sorted = (rows: readonly string[]): string[] => [...rows].sort();

describe("the README's table of", () => {
  it('settings is what the schema says: names, defaults, descriptions', () => {
    const settings = Object.entries(settingsSchema.shape).map(([name, schema]) => {
      const byDefault = schema.safeParse(undefined);
      return [`\`${name}\``, byDefault.success ? String(byDefault.data ?? '') : '', schema.description ?? ''];
    });
    expect(table('Configuration')).toEqual(settings);
  });

  it('errors is the HTTP table', () => {
    const errors = Object.entries(HTTP_ERRORS).map(([code, { status, title }]) => [
      `\`${code}\``,
      String(status),
      title,
    ]);
    expect(table('Errors')).toEqual(errors);
  });

  it('calls is the table of routes', () => {
    const inReadme = table('API')
      .map(([call]) => unquoted(call))
      .filter((call) => call.includes('/'));
    const routes = ROUTES.filter(({ isDocumented }) => isDocumented !== false).flatMap(({ path, methods }) =>
      (methods === 'any' ? ['ANY'] : methods).map((method) => `${method} ${path}`),
    );
    expect(sorted(inReadme)).toEqual(sorted(routes));
  });

  it('metrics is what the modules register: names and labels', async () => {
    const registry = new Registry();
    new LifecycleMetrics(registry);
    new GatewayMetrics(registry);
    const means = { clock: new FakeClock(), randomness: new FakeRandomness(), logger: new SilentLogger() };
    await makeSecrets(loadSettings({}), means, registry);
    const { store, leadership, lifecycle } = new Replica();
    registerLifecycleGauges(registry, { ...lifecycle, store, leadership, maxSessions: 1, warmPoolTarget: 0 });
    const metrics = registry.getMetricsAsArray().map((metric) => {
      const {
        name,
        labelNames = [],
        help,
      } = metric as unknown as { name: string; labelNames?: string[]; help: string };
      return [`\`${name}\``, labelNames.map((label) => `\`${label}\``).join(', '), help];
    });
    await registry.metrics();
    expect(sorted(table('Metrics').map((row) => row.join(' | ')))).toEqual(
      sorted(metrics.map((row) => row.join(' | '))),
    );
  });
});
