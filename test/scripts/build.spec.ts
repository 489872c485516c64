import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DIST = join(process.cwd(), 'dist');
const STALE = join(DIST, 'no-such-module');

describe('a build', () => {
  afterAll(() => rmSync(STALE, { recursive: true, force: true }));
  const build = (): void => void execFileSync(process.execPath, ['scripts/build.mjs']);

  it('removes what has no source any more, and leaves alone what has not changed', () => {
    build();
    const before = statSync(join(DIST, 'main.js')).mtimeMs;
    mkdirSync(STALE, { recursive: true });
    writeFileSync(join(STALE, 'old.js'), '');
    build();
    expect(existsSync(join(STALE, 'old.js'))).toBe(false);
    expect(statSync(join(DIST, 'main.js')).mtimeMs).toBe(before);
  });

  it('ships no test', () => {
    build();
    expect(existsSync(join(DIST, 'config/load-settings.js'))).toBe(true);
    expect(existsSync(join(DIST, 'config/load-settings.spec.js'))).toBe(false);
  });
});
