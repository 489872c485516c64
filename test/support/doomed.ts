import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import type { Pod } from '../../src/lifecycle/runtime/pod.js';

const LOADER = join(__dirname, 'typescript.mjs');
const PROGRAM = join(__dirname, 'doomed-berth.mjs');

/** A process runtime in a process of its own, which can be killed. */
export class Doomed {
  readonly stateRoot = mkdtempSync(join(tmpdir(), 'berth-doomed-'));
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;

  constructor(commands: readonly (readonly string[])[]) {
    const pods = commands.map((command) => JSON.stringify(command));
    this.child = spawn(process.execPath, ['--import', LOADER, PROGRAM, this.stateRoot, ...pods], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.lines = createInterface(this.child.stdout)[Symbol.asyncIterator]();
  }

  /** Its pods, once all are ready. */
  async pods(): Promise<Pod[]> {
    return JSON.parse(await this.line()) as Pod[];
  }

  /** Has it order the deletion of all its pods. */
  async deletePods(): Promise<void> {
    this.child.stdin.write('delete\n');
    await this.line();
  }

  async kill9(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  clear(): void {
    this.child.kill('SIGKILL');
    rmSync(this.stateRoot, { recursive: true, force: true });
  }

  private async line(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the doomed Berth ended too early');
    return value;
  }
}
