import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every row names the tests that show it; a test that is renamed or removed takes its row with it. */
const ROOT = join(__dirname, '..', '..');
const ROWS = readFileSync(join(ROOT, 'docs', 'outages.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|') && !line.startsWith('| -'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
const COLUMNS = [
  'what happens',
  'known sessions',
  'new sessions',
  'not done meanwhile',
  'how it comes back',
  'shown by',
];
const isHead = ([first]: readonly string[]): boolean => first === COLUMNS[0];
const OUTAGES = ROWS.filter((row) => !isHead(row));

/** `folder/file: the words of a case`, one or several. */
function testsOf(cells: readonly string[]): { path: string; words: string }[] {
  const named = cells.at(-1)!.split('<br>');
  return named.map((one) => {
    const [file = '', words = ''] = one.split(/: (.*)/s);
    return { path: join(ROOT, 'test', `${file}.spec.ts`), words };
  });
}

describe('the table of outages', () => {
  it('has the same columns everywhere, and every cell is filled', () => {
    for (const head of ROWS.filter(isHead)) expect(head).toEqual(COLUMNS);
    expect(OUTAGES.length).toBeGreaterThan(20);
    for (const row of OUTAGES) expect(row.filter(Boolean)).toHaveLength(COLUMNS.length);
  });

  it.each(OUTAGES.map((row) => [row[0]!, row] as const))('names cases that are there: %s', (_, row) => {
    for (const { path, words } of testsOf(row)) {
      expect({ path, isThere: existsSync(path) }).toEqual({ path, isThere: true });
      expect(words.length).toBeGreaterThan(0);
      expect(namesOfCases(readFileSync(path, 'utf8'))).toContain(words);
    }
  });
});

/** All that is quoted there, of which the names of cases are made: not the comments, nor the code. */
function namesOfCases(source: string): string {
  return [...source.matchAll(/'([^'\n]*)'/g)].map(([, words]) => words).join('\n');
}
