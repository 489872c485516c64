import type { Pod } from '../pod.js';
import type { Exit } from './pod-process.js';

export type PodFailure = NonNullable<Pod['failure']>;

/** How one run of a pod's process ended. */
export interface Run {
  exit: Exit;
  readyForMs: number;
  /** It was killed for using this much memory. */
  overBytes?: number;
}

const MIB = 1024 * 1024;

/** Why the process has to be started again. */
export function failureOfRun(run: Run, memoryLimitBytes?: number): PodFailure {
  if (run.exit.error !== undefined) {
    return { reason: 'StartError', message: `The process could not be started: ${run.exit.error}.` };
  }
  if (run.overBytes === undefined) return { reason: 'Exited', message: `The process ${exitWords(run.exit)}.` };
  const used = `${Math.ceil(run.overBytes / MIB)} MiB`;
  const limit = `${Math.floor((memoryLimitBytes ?? 0) / MIB)} MiB`;
  return {
    reason: 'OOMKilled',
    message: `The process was killed: it used ${used}, its memory limit is ${limit} (resources.limits.memory).`,
  };
}

/** Why it is not started any more. */
export function failureOfCrashLoop(last: PodFailure, lastLines: string): PodFailure {
  return {
    reason: last.reason === 'Exited' ? 'CrashLoopBackOff' : last.reason,
    message: `${last.message} That was the third time without 60 s of Ready between. ${outputWords(lastLines)}`,
  };
}

function exitWords(exit: Exit): string {
  if (exit.signal === 'SIGKILL') return 'was killed with SIGKILL, by a person or by the kernel for want of memory';
  if (exit.signal !== undefined) return `was ended by ${exit.signal}`;
  if (exit.code === 0) return 'exited with code 0, though a pod has to go on serving';
  return `exited with code ${exit.code}`;
}

function outputWords(lastLines: string): string {
  return lastLines === '' ? 'It printed nothing.' : `It printed last:\n${lastLines}`;
}
