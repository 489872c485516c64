import { join } from 'node:path';

import { Log } from '../../../src/session-pod/log.js';
import { startSessionPod } from '../../../src/session-pod/session-pod.js';
import { readSettings } from '../../../src/session-pod/settings.js';
import { onlyContainer, type ApiPod } from './api-pod.js';
import { ContainerLog } from './container-log.js';
import type { Fate } from './fates.js';
import { startGuarded } from './guarded.js';

const SESSION_APPLICATION = join(process.cwd(), 'dist/session-pod/main.js');
const SIGNALS: Partial<Record<NodeJS.Signals, number>> = { SIGTERM: 15, SIGKILL: 9, SIGABRT: 6, SIGSEGV: 11 };

export interface RunOrder {
  pod: ApiPod;
  address: string;
  /** Stands for the pod's /tmp: it is there again after a restart. */
  folder: string;
  fate: Fate;
}

/** One run of a pod's container, from its start to its exit. */
export interface ContainerRun {
  /** None: it is no process of its own. */
  readonly pid?: number;
  readonly startedAt: Date;
  readonly log: ContainerLog;
  readonly exitCode: Promise<number>;
  signal(signal: NodeJS.Signals): void;
}

export function startProcess(order: RunOrder): ContainerRun {
  const { pod, address, folder, fate } = order;
  const child = startGuarded(commandOf(pod, fate), { env: envOf(pod, address, folder), cwd: folder });
  const log = new ContainerLog();
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => log.write(chunk));
  const exitCode = new Promise<number>((resolve) => {
    child.once('close', (code, signal) => {
      log.end();
      resolve(code ?? 128 + (SIGNALS[signal!] ?? 0));
    });
  });
  return { pid: child.pid, startedAt: new Date(), log, exitCode, signal: (signal) => void child.kill(signal) };
}

/**
 * The session application, the same code, in this process; whatever else a pod is to run is a process all the same.
 * SIGKILL cuts its connections as a kernel does, but lets a write of its state finish: what a crash leaves on the disk is
 * nothing to be seen here.
 */
export function startInside(order: RunOrder): ContainerRun {
  const { pod, address, folder, fate } = order;
  if (fate.crashes || fate.silent || onlyContainer(pod).command) return startProcess(order);
  const log = new ContainerLog();
  const print = (line: string): void => log.write(Buffer.from(line));
  const settings = readSettings(envOf(pod, address, folder));
  const starting = startSessionPod(settings, new Log(settings.logLevel, print));
  let exit: (code: number) => void = () => undefined;
  const exitCode = new Promise<number>((resolve) => (exit = resolve));
  starting.catch((error: unknown) => {
    print(`the session application cannot start: ${String(error)}\n`);
    exit(1);
  });
  void exitCode.then(() => log.end());
  let code = 0;
  const end = (ordered: number, drainMs?: number): void => {
    code = ordered;
    void starting
      .then((running) => running.stop(drainMs))
      .then(
        () => exit(code),
        () => undefined,
      );
  };
  const signal = (name: NodeJS.Signals): void => {
    if (name === 'SIGTERM') end(0);
    else if (name === 'SIGKILL') end(128 + SIGNALS.SIGKILL!, 0);
    else if (name !== 'SIGCONT') throw new Error(`a pod within this process cannot get ${name}`);
  };
  return { startedAt: new Date(), log, exitCode, signal };
}

/** Says that it runs. For thousands of pods. */
export function startNothing({ fate }: RunOrder): ContainerRun {
  const log = new ContainerLog();
  let end: (code: number) => void = () => undefined;
  const exitCode = new Promise<number>((resolve) => (end = resolve));
  void exitCode.then(() => log.end());
  if (fate.crashes) {
    log.write(Buffer.from(`${fate.crashes.says}\n`));
    end(fate.crashes.exitCode);
  }
  const signal = (name: NodeJS.Signals): void => {
    if (name === 'SIGTERM') end(0);
    if (name === 'SIGKILL') end(128 + SIGNALS.SIGKILL!);
  };
  return { startedAt: new Date(), log, exitCode, signal };
}

function commandOf(pod: ApiPod, fate: Fate): readonly string[] {
  if (fate.crashes) return ['sh', '-c', 'echo "$1"; exit "$2"', 'sh', fate.crashes.says, String(fate.crashes.exitCode)];
  if (fate.silent) return ['sleep', 'infinity'];
  const { command = [process.execPath, SESSION_APPLICATION], args = [] } = onlyContainer(pod);
  return [...command, ...args];
}

/** Nothing but what the pod says and what a container has of itself; HOST stands for the pod's own network. */
function envOf(pod: ApiPod, address: string, folder: string): Record<string, string> {
  const said: Record<string, string> = {};
  for (const { name, value, valueFrom } of onlyContainer(pod).env ?? []) {
    said[name] = valueFrom ? fieldOf(pod, address, valueFrom.fieldRef?.fieldPath) : unescaped(value ?? '');
  }
  const statePath = said.STATE_FILE_PATH ?? '/tmp/session-state.json';
  return {
    PATH: process.env.PATH ?? '',
    HOSTNAME: pod.metadata.name,
    ...said,
    HOST: address,
    TMPDIR: folder,
    STATE_FILE_PATH: statePath.replace(/^\/tmp(?=\/)/, folder),
  };
}

/** `$$` stands for `$`; references to other variables are left as they are written. */
function unescaped(value: string): string {
  return value.replaceAll('$$', () => '$');
}

function fieldOf(pod: ApiPod, address: string, path?: string): string {
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace;
    case 'metadata.uid':
      return pod.metadata.uid;
    case 'status.podIP':
      return address;
    case undefined:
    default:
      throw new Error(`the test kubelet does not know the field ${path ?? 'of another source'}`);
  }
}
