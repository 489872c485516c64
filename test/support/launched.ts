import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { descendants, killIfAlive, type ProcessId } from './processes.js';
import { startCommand } from './start-command.js';

/** A fifth of a start is compiling what the last one has compiled. */
const COMPILED = join(__dirname, '../../node_modules/.cache/compiled');
const FIND_LIMIT_MS = 30_000;
/** How long output may lag behind the exit; a child that was left behind would hold it open for ever. */
const OUTPUT_LAG_MS = 500;

export type LogLine = Record<string, unknown>;
/** Undefined: not set. */
export type Environment = Record<string, string | undefined>;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** From the signal, else from the start, to the end. */
  tookMs: number;
}

/**
 * The built product in a process of its own, with an environment, free ports and a temporary folder of its own.
 * Whatever a test file has started here, and whatever that has started, is gone when the file has ended.
 */
export class Launched {
  readonly folder = mkdtempSync(join(tmpdir(), 'berth-run-'));
  readonly exit: Promise<Exit>;
  private readonly child: ChildProcess;
  private readonly lookers = new Set<() => void>();
  private text = '';
  private sinceMs = performance.now();
  private family: ProcessId[] = [];

  constructor(settings: Environment) {
    const own = { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILED, TMPDIR: this.folder };
    const env = { ...own, PORT: '0', METRICS_PORT: '0', ...settings };
    this.child = spawn(process.execPath, startCommand(), { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => this.collect(chunk));
    }
    this.exit = this.watchExit();
    running.add(this);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get output(): string {
    return this.text;
  }

  /** The first log line of this kind, now or later. */
  async find(isWanted: (line: LogLine) => boolean): Promise<LogLine> {
    const found = new Promise<LogLine>((resolve) => {
      const look = (): void => {
        const line = logLines(this.text).find(isWanted);
        if (line) resolve(line);
      };
      this.lookers.add(look);
      look();
    });
    const limit = new AbortController();
    const late = pause(FIND_LIMIT_MS, 'said nothing of the kind in time', { signal: limit.signal });
    const ended = this.exit.then(({ code }) => `ended with code ${code}`);
    const outcome = await Promise.race([found, ended, late]);
    limit.abort();
    late.catch(() => undefined);
    this.lookers.clear();
    if (typeof outcome !== 'string') return outcome;
    throw new Error(`Berth ${outcome}. Its output:\n${this.text}`);
  }

  /** Whoever read its output is gone. */
  stopReading(): void {
    this.child.stdout!.destroy();
    this.child.stderr!.destroy();
  }

  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.family = descendants(this.pid);
    this.sinceMs = performance.now();
    this.child.kill(signal);
    return this.exit;
  }

  /** For the end of a test file: leaves nothing, not even what the product should have ended itself. */
  clear(): void {
    const family = [...this.family, ...descendants(this.pid)];
    this.child.kill('SIGKILL');
    family.forEach(killIfAlive);
    rmSync(this.folder, { recursive: true, force: true });
    running.delete(this);
  }

  private async watchExit(): Promise<Exit> {
    const closed = once(this.child, 'close');
    const [code, signal] = (await once(this.child, 'exit')) as [number | null, NodeJS.Signals | null];
    const tookMs = performance.now() - this.sinceMs;
    await Promise.race([closed, pause(OUTPUT_LAG_MS, undefined, { ref: false })]);
    return { code, signal, tookMs };
  }

  private collect(chunk: string): void {
    this.text += chunk;
    for (const look of this.lookers) look();
  }
}

/** The lines that are JSON; anything else that it or Node printed is passed over. */
export function logLines(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line.startsWith('{') ? [JSON.parse(line) as LogLine] : [];
    } catch {
      return [];
    }
  });
}

const running = new Set<Launched>();
function clearAll(): void {
  for (const launched of [...running]) launched.clear();
}
afterAll(clearAll);
process.once('exit', clearAll);
