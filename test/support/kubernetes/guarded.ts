import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';

/**
 * The guard waits on a pipe whose other end only this process holds. It reads its end when this process has ended,
 * however that came about (SIGKILL too), or when the pipe is closed because the child has ended. Then it ends the whole
 * process group: the child, what the child left behind, and itself. As long as it lives the group's number is not given
 * to anybody else.
 */
const UNDER_GUARD = 'exec 3<&0 </dev/null; { read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 & exec "$@" 3<&-';

export interface GuardedOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Where its output and its errors go: a pipe unless a file is named. */
  output?: number | 'pipe';
}

/** A child that does not outlive this process. Its pid, signals and exit are those of the command itself. */
export function startGuarded(command: readonly string[], options: GuardedOptions = {}): ChildProcess {
  const output = options.output ?? 'pipe';
  const stdio: StdioOptions = ['pipe', output, output];
  const child = spawn('/bin/sh', ['-c', UNDER_GUARD, 'guarded', ...command], {
    env: options.env ?? process.env,
    cwd: options.cwd,
    stdio,
    detached: true,
  });
  child.stdin!.on('error', () => undefined);
  child.once('exit', () => child.stdin!.destroy());
  return child;
}

/** Removes a folder once this process has ended without doing so itself. Called off by ending the sweeper. */
export function startSweeper(folder: string): ChildProcess {
  const sweeper = spawn('/bin/sh', ['-c', 'read -r _; sleep 1; rm -rf -- "$1"', 'sweeper', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  sweeper.stdin.on('error', () => undefined);
  return sweeper;
}

export function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

export async function exited(child: ChildProcess): Promise<void> {
  if (hasExited(child)) return;
  await new Promise<void>((resolve) => child.once('exit', () => resolve()));
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
