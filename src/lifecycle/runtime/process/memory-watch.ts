import { readdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';

import type { Clock, Timer } from '../../../platform/clock.js';

const AT_ONCE = 64;
const DEFAULT_PAGE_BYTES = 4096;
const AT_PAGESZ = 6n;

export type GroupMemory = ReadonlyMap<number, number>;

interface Watched {
  limitBytes: number;
  exceeded: (bytes: number) => void;
}

/**
 * Looks at what the process groups of pods hold in memory, all of them in one pass over /proc. Pages that processes of
 * one group share count for each. Where there is no /proc nothing is measured and no limit is enforced.
 */
export class MemoryWatch {
  private readonly groups = new Map<number, Watched>();
  private timer?: Timer;
  private isLooking = false;

  constructor(
    private readonly clock: Clock,
    private readonly periodMs: number,
    private readonly measure: () => Promise<GroupMemory> = measureGroups,
  ) {}

  /** `exceeded` is called at most once. */
  watch(group: number, limitBytes: number, exceeded: (bytes: number) => void): () => void {
    const watched = { limitBytes, exceeded };
    this.groups.set(group, watched);
    this.schedule();
    return () => {
      if (this.groups.get(group) === watched) this.groups.delete(group);
      if (this.groups.size > 0) return;
      this.timer?.cancel();
      this.timer = undefined;
    };
  }

  private schedule(): void {
    if (this.isLooking || this.groups.size === 0) return;
    this.timer ??= this.clock.after(this.periodMs, () => void this.look());
  }

  private async look(): Promise<void> {
    this.timer = undefined;
    this.isLooking = true;
    const memory = await this.measure().catch((): GroupMemory => new Map());
    this.isLooking = false;
    for (const [group, { limitBytes, exceeded }] of [...this.groups]) {
      const bytes = memory.get(group) ?? 0;
      if (bytes <= limitBytes) continue;
      this.groups.delete(group);
      exceeded(bytes);
    }
    this.schedule();
  }
}

/** Resident bytes of each process group. Read synchronously, which is ten times cheaper, but only a few at a time. */
export async function measureGroups(): Promise<GroupMemory> {
  const groups = new Map<number, number>();
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const pageBytes = pids.length === 0 ? 0 : readPageBytes();
  for (let done = 0; done < pids.length; done += AT_ONCE) {
    for (const pid of pids.slice(done, done + AT_ONCE)) {
      const stat = parseStat(readOrEmpty(`/proc/${pid}/stat`));
      if (stat) groups.set(stat.group, (groups.get(stat.group) ?? 0) + stat.pages * pageBytes);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return groups;
}

/** proc(5): the name in brackets may hold anything, brackets too, so the fields are counted from the last one. */
export function parseStat(line: string): { group: number; pages: number } | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [group, pages] = [Number(fields[2]), Number(fields[21])];
  return Number.isFinite(group) && Number.isFinite(pages) ? { group, pages } : undefined;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Not 4096 everywhere (arm64). The kernel tells it to every process in its auxiliary vector: pairs of two words. */
function readPageBytes(): number {
  try {
    const words = readFileSync('/proc/self/auxv');
    for (let at = 0; at + 16 <= words.length; at += 16) {
      if (words.readBigUInt64LE(at) === AT_PAGESZ) return Number(words.readBigUInt64LE(at + 8));
    }
  } catch {
    // Told below.
  }
  return DEFAULT_PAGE_BYTES;
}
