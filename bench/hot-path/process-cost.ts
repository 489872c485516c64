import { readdirSync, readFileSync } from 'node:fs';

/** Seconds on a processor, over all threads that there are: the scheduler's own count, which is exact to the nanosecond. */
export function cpuSecondsOf(pids: readonly number[]): number {
  let ns = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
    }
  }
  return ns / 1e9;
}

/** What is resident and nobody else's, so that a shared library is nobody's cost. */
export function residentMbOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1_024;
}
