// One line over all suites, from their own reports in a folder: the last thing a run of everything prints.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const total = { passed: 0, failed: 0, skipped: 0 };

for (const name of ['jest.json', 'cluster.json']) {
  if (!existsSync(join(folder, name))) continue;
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
  total.skipped += report.numPendingTests + report.numTodoTests;
}

const pipeline = join(folder, 'pipeline');
const said = existsSync(pipeline) ? readFileSync(pipeline, 'utf8') : '';
const [, tests] = /^test-pipeline: (\d+) tests$/m.exec(said) ?? [];
if (/^failed$/m.test(said)) total.failed += 1;
else if (tests) total.passed += Number(tests);

console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
