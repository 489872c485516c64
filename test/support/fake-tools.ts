import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
/** What every machine has and the scripts may use; nothing else is on their PATH but the fakes. */
const ORDINARY = 'bash env dirname basename cat sed tr cut awk head tail mktemp rm seq sleep git'.split(' ');

export interface Answer {
  stdout?: string;
  code?: number;
  /** Runs until it is ended, as `kubectl port-forward` does. */
  stays?: boolean;
}

export interface Call {
  /** The tool and its arguments. */
  words: string[];
  stdin: string;
  env: Record<string, string>;
}

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Tools like helm and docker that record how they are called and answer as told, for the scripts that call them. */
export class FakeTools {
  readonly folder = mkdtempSync(join(tmpdir(), 'berth-tools-'));
  private readonly bin = join(this.folder, 'bin');
  private readonly calls = join(this.folder, 'calls');
  private readonly answers: { to: string; answer: Answer }[] = [];

  constructor(...tools: string[]) {
    mkdirSync(this.bin);
    for (const name of ORDINARY) {
      const path = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
      symlinkSync(path, join(this.bin, name));
    }
    symlinkSync(process.execPath, join(this.bin, 'node'));
    for (const name of tools) {
      writeFileSync(join(this.bin, name), `#!${process.execPath}\n${FAKE}`);
      chmodSync(join(this.bin, name), 0o755);
    }
    everyone.add(this);
  }

  /** The last answer that fits the beginning of a call is given; without any, silence and success. */
  answer(to: string, answer: Answer | string): this {
    this.answers.push({ to, answer: typeof answer === 'string' ? { stdout: answer } : answer });
    return this;
  }

  file(name: string, content?: string): string {
    const path = join(this.folder, name);
    if (content !== undefined) writeFileSync(path, content);
    return path;
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8').trim();
  }

  async run(script: string, args: readonly string[], settings: Record<string, string> = {}): Promise<Outcome> {
    const env = {
      PATH: this.bin,
      TMPDIR: this.folder,
      IMAGE_FILE: this.file('image.txt'),
      FAKE_CALLS: this.calls,
      FAKE_ANSWERS: JSON.stringify(this.answers),
      ...settings,
    };
    return new Promise((resolve) => {
      execFile(join(ROOT, 'scripts', script), args, { env, cwd: this.folder }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
      );
    });
  }

  called(): Call[] {
    if (!existsSync(this.calls)) return [];
    const lines = readFileSync(this.calls, 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Call);
  }

  /** The calls as a person would type them. */
  commands(): string[] {
    return this.called().map((call) => call.words.join(' '));
  }

  clear(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const FAKE = `
const { appendFileSync, readFileSync } = require('node:fs');
const { basename } = require('node:path');
const words = [basename(process.argv[1]), ...process.argv.slice(2)];
const stdin = words.includes('--password-stdin') ? readFileSync(0, 'utf8') : '';
appendFileSync(process.env.FAKE_CALLS, JSON.stringify({ words, stdin, env: process.env }) + '\\n');
const { answer = {} } = JSON.parse(process.env.FAKE_ANSWERS).findLast(({ to }) => words.join(' ').startsWith(to)) ?? {};
process.stdout.write(answer.stdout ?? '');
if (answer.stays) setInterval(() => undefined, 1_000);
else process.exitCode = answer.code ?? 0;
`;

const everyone = new Set<FakeTools>();
afterAll(() => {
  for (const tools of everyone) tools.clear();
});
