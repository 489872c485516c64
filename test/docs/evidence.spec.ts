import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Documents that name tests as evidence: `path/to.spec.ts` "title", "another title of that file". */
const ROOT = join(__dirname, '..', '..');
const DOCUMENTS = ['docs/guarantees.md'];
const NAMED = /`((?:test|src)\/[^`]+\.ts)`((?:,? "[^"]+")*)/g;

function evidenceOf(document: string): { path: string; titles: string[] }[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(NAMED)].map(([, path, titles]) => ({
    path: path!,
    titles: [...titles!.matchAll(/"([^"]+)"/g)].map(([, title]) => title!),
  }));
}

describe.each(DOCUMENTS)('the evidence that %s names', (document) => {
  const named = evidenceOf(document);

  it('is there at all', () => {
    expect(named.length).toBeGreaterThan(10);
  });

  it.each(named.map(({ path, titles }) => [path, titles] as const))('exists: %s', (path, titles) => {
    expect({ path, exists: existsSync(join(ROOT, path)) }).toEqual({ path, exists: true });
    const spec = readFileSync(join(ROOT, path), 'utf8');
    expect(titles.filter((title) => !spec.includes(title))).toEqual([]);
  });
});
