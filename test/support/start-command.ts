import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = process.cwd();

/** What `npm start` gives to node: flags, and the program, from any folder. */
export function startCommand(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
  return scripts.start
    .replace(/^exec node /, '')
    .split(' ')
    .map((word) => (word.startsWith('-') ? word : join(ROOT, word)));
}
