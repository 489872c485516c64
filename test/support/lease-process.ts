import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import type { LeaseDurations } from '../../src/leadership/lease/lease-durations.js';
import type { OwnNamespace } from './kubernetes/index.js';

const LOADER = join(__dirname, 'typescript.mjs');
const PROGRAM = join(__dirname, 'lease-holder.mjs');

export interface Deed {
  did: 'stand' | 'work' | 'stop';
  /** Of the clock that all processes of the machine share. */
  atMs: number;
}

export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** A process that stands for the lease of a namespace. */
export class LeaseProcess {
  readonly deeds: Deed[] = [];
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;

  constructor(namespace: OwnNamespace, identity: string, durations: LeaseDurations) {
    const args = [namespace.berthKubeconfig, namespace.name, identity, JSON.stringify(durations)];
    this.child = spawn(process.execPath, ['--import', LOADER, PROGRAM, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface(this.child.stdout).on('line', (line) => this.deeds.push(JSON.parse(line) as Deed));
  }

  get lastWorkMs(): number {
    return this.deeds.findLast(({ did }) => did === 'work')?.atMs ?? -Infinity;
  }

  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  /** As a clean stop, until it has ended. */
  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.stdin.write('stop\n');
    await exited;
  }

  async kill9(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}
