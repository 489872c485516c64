import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

import type { Clock, Timer } from '../../../platform/clock.js';
import type { Env } from '../../session.js';

/**
 * One run of a pod's process: the leader of a process group of its own that cannot outlive Berth.
 *
 * The shell below leaves a guard in the group and then becomes the command, so that the child's pid is the command's own.
 * The guard waits on the lifeline, a socket whose other end only Berth holds. The kernel closes that end however Berth
 * ends, kill -9 included; the guard then reads the end of file and kills the whole group. The lifeline exists before the
 * child does, so there is no moment without it. The guard is forked twice, lest the command find a child it never made,
 * and it ignores the signals that ask the group to end, lest a pod that ignores them outlive it.
 *
 * Not covered: a process that leaves the group (setsid, setpgid).
 */
const BECOME_COMMAND = [
  '( trap "" HUP INT TERM; ( read -r gone <&3; kill -9 0 ) >/dev/null 2>&1 & )',
  'exec 2>&1 3<&-',
  'exec "$@"',
].join('; ');

/** Output may be held open by somebody who left the group; it is not waited for longer than this. */
const OUTPUT_ENDS_WITHIN_MS = 250;
const OUTPUT_WINDOW_MS = 100;
const MOST_BYTES_A_WINDOW = 1_024 * 1_024;
const MOST_CHUNKS_A_WINDOW = 500;

export interface Exit {
  code?: number;
  signal?: NodeJS.Signals;
  /** It could not be started at all. */
  error?: string;
}

export interface PodProcess {
  /** Also the id of its process group. Absent when it could not be started. */
  pid?: number;
  /** Resolves when the whole group has been killed and its output is read. Never rejects. */
  exited: Promise<Exit>;
  signalGroup(signal: NodeJS.Signals): void;
}

export interface ProcessOrder {
  command: readonly string[];
  env: Env;
  folder: string;
  clock: Clock;
  onOutput: (chunk: Buffer) => void;
}

export function startPodProcess(order: ProcessOrder): PodProcess {
  let child: ChildProcess;
  try {
    child = spawn('/bin/sh', ['-c', BECOME_COMMAND, 'sh', ...order.command], {
      cwd: order.folder,
      env: order.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
  } catch (error) {
    return { exited: Promise.resolve({ error: String(error) }), signalGroup: () => undefined };
  }
  if (child.stdout) readInMeasure(child.stdout, order);
  let isRunning = true;
  const signalGroup = (signal: NodeJS.Signals): void => {
    if (isRunning) signalProcessGroup(child.pid, signal);
  };
  tieToLifeline(child, signalGroup);
  const exited = exitOf(child).then(async (exit) => {
    signalGroup('SIGKILL');
    isRunning = false;
    await outputRead(child, order.clock);
    letGo(child);
    return exit;
  });
  return { pid: child.pid, exited, signalGroup };
}

/** A pod that prints at full speed would take all of Berth's only thread: it is read so much at a time, and waits. */
function readInMeasure(stdout: Readable, { onOutput, clock }: Pick<ProcessOrder, 'onOutput' | 'clock'>): void {
  let bytes = 0;
  let chunks = 0;
  let window: Timer | undefined;
  const goOn = (): void => {
    window = undefined;
    bytes = chunks = 0;
    stdout.resume();
  };
  stdout.on('error', () => undefined);
  stdout.on('data', (chunk: Buffer) => {
    onOutput(chunk);
    bytes += chunk.length;
    chunks += 1;
    window ??= clock.after(OUTPUT_WINDOW_MS, goOn);
    if (bytes >= MOST_BYTES_A_WINDOW || chunks >= MOST_CHUNKS_A_WINDOW) stdout.pause();
  });
}

/** A pod whose guard is gone would outlive Berth: it ends now. */
function tieToLifeline(child: ChildProcess, signalGroup: (signal: NodeJS.Signals) => void): void {
  const lifeline = stdioOf(child)[3];
  lifeline?.on('error', () => undefined);
  lifeline?.on('close', () => signalGroup('SIGKILL'));
  lifeline?.resume();
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error: error.message }));
    child.once('exit', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
  });
}

async function outputRead({ stdout }: ChildProcess, clock: Clock): Promise<void> {
  if (!stdout || stdout.closed) return;
  await new Promise<void>((resolve) => {
    const timer = clock.after(OUTPUT_ENDS_WITHIN_MS, resolve);
    stdout.once('close', () => {
      timer.cancel();
      resolve();
    });
  });
}

/** The lifeline too: whatever is left of the group, its guard sees to it. */
function letGo(child: ChildProcess): void {
  for (const stream of stdioOf(child)) stream?.destroy();
}

/** A child that could not be started for want of files has none. */
function stdioOf(child: ChildProcess): readonly (Socket | null | undefined)[] {
  return (child.stdio as unknown as readonly Socket[] | undefined) ?? [];
}

function signalProcessGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in the group, which is as good.
  }
}
