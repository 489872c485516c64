import { readdirSync, readFileSync } from 'node:fs';

interface ProcessLine {
  pid: number;
  parent: number;
  /** Tells a process from a later one of the same number. */
  startedAt: string;
}

export type ProcessId = Pick<ProcessLine, 'pid' | 'startedAt'>;

/** Everything that descends from a process, itself not included. Linux only: it reads /proc. */
export function descendants(pid: number): ProcessId[] {
  const all = processes();
  const family = new Set([pid]);
  for (let before = 0; before < family.size;) {
    before = family.size;
    for (const one of all) if (family.has(one.parent)) family.add(one.pid);
  }
  family.delete(pid);
  return all.filter((one) => family.has(one.pid));
}

/** The descendants that have no children: the pods, whatever stands between them and Berth. */
export function leaves(pid: number): ProcessId[] {
  const parents = new Set(processes().map(({ parent }) => parent));
  return descendants(pid).filter((one) => !parents.has(one.pid));
}

export function isAlive({ pid, startedAt }: ProcessId): boolean {
  return read(pid)?.startedAt === startedAt;
}

export function killIfAlive(process_: ProcessId): void {
  if (!isAlive(process_)) return;
  try {
    process.kill(process_.pid, 'SIGKILL');
  } catch {
    // it went by itself
  }
}

function processes(): ProcessLine[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => read(Number(name)) ?? []);
}

function read(pid: number): ProcessLine | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name, in brackets, may hold anything; the fields after it are fixed: proc(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    return { pid, parent: Number(fields[1]), startedAt: fields[19]! };
  } catch {
    return undefined;
  }
}
