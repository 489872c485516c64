import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** The proxies have a core of their own where there are two: what loads them and what answers behind them share the other. */
export type Place = 'proxy' | 'load';
const TYPESCRIPT = join(process.cwd(), 'test/support/typescript.mjs');
const CORES: Record<Place, string> = { load: '0', proxy: '1' };

export function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const canPin = availableParallelism() >= 2 && isThere('taskset');

/** The same command, on the core of its place. */
export function pinned(place: Place, command: readonly string[]): string[] {
  return canPin ? ['taskset', '-c', CORES[place], ...command] : [...command];
}

const started = new Set<ChildProcess>();
process.once('exit', () => started.forEach((child) => child.kill('SIGKILL')));

/** Ends with this process at the latest. */
export function start(place: Place, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const [program, ...words] = pinned(place, command);
  const child = spawn(program!, words, { stdio: 'ignore', ...options });
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
}

/** What it says goes to a file, as a container's does. */
export function startLogging(place: Place, command: readonly string[], folder: string, env: NodeJS.ProcessEnv) {
  const log = openSync(join(folder, 'log'), 'a');
  const child = start(place, command, { stdio: ['ignore', log, log], env, cwd: folder });
  closeSync(log);
  return child;
}

/** A TypeScript program of the bench that talks with this one. */
export function startTalking(place: Place, program: string, words: readonly string[] = []): ChildProcess {
  const command = [process.execPath, '--import', TYPESCRIPT, join(process.cwd(), program), ...words];
  return start(place, command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** What it says next. */
export async function messageOf<T>(child: ChildProcess): Promise<T> {
  const limit = new AbortController();
  const ended = once(child, 'exit', { signal: limit.signal }).then(() => undefined);
  const told = await Promise.race([once(child, 'message'), ended]);
  limit.abort();
  ended.catch(() => undefined);
  if (!told) throw new Error(`${child.spawnargs.join(' ')} died`);
  return told[0] as T;
}

export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
