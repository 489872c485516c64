import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { stringify } from 'yaml';

/** A template whose pod is the demo pod, with the names that clients may set. */
export const demoTemplate = {
  command: [process.execPath, join(__dirname, 'demo-pod.mjs')],
  clientEnv: ['GREETING', 'CRASH_AT_START', 'CRASH_WHILE_EXISTS', 'START_WHEN_EXISTS'],
};

/** Writes a templates file with `demo` and whatever else a test needs; gives the value for TEMPLATES_PATH. */
export function writeTemplates(others: Record<string, object> = {}): string {
  const path = temporaryPath('templates.yaml');
  writeFileSync(path, stringify({ templates: { demo: demoTemplate, ...others } }));
  return path;
}

/** A path in a new folder of its own, removed when the test file ends. */
export function temporaryPath(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-'));
  folders.push(folder);
  return join(folder, name);
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
