import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Pod } from '../../src/lifecycle/runtime/pod.js';
import { ProcessSessionRuntime } from '../../src/lifecycle/runtime/process/process-session-runtime.js';
import type { ProcessRuntimeOptions } from '../../src/lifecycle/runtime/process/supervision.js';
import { templateSchema, type Template } from '../../src/lifecycle/templates/template.js';
import { SystemClock } from '../../src/platform/clock.js';
import { SilentLogger } from './silent-logger.js';
import { SystemRandomness } from '../../src/platform/randomness.js';

const PLAIN_POD = join(__dirname, 'plain-pod.mjs');

/** A template whose pods run the plain pod with these flags, unless the facts name another command. */
export function plainTemplate(flags: readonly string[] = [], facts: Partial<Template> = {}): Template {
  return {
    ...templateSchema.omit({ idleTimeoutSeconds: true, maxLifetimeSeconds: true, warmPoolSize: true }).parse({}),
    name: 'plain',
    hash: `plain ${flags.join(' ')}`,
    idleTimeoutMs: 600_000,
    maxLifetimeMs: 0,
    warmPoolSize: 0,
    port: 8080,
    command: [process.execPath, PLAIN_POD, ...flags],
    ...facts,
  };
}

export interface OwnRuntime {
  runtime: ProcessSessionRuntime;
  /** Where it makes its folder. */
  stateRoot: string;
  close(): Promise<void>;
}

/** A process runtime in real time, with a temporary folder of its own. */
export function processRuntime(facts: Partial<ProcessRuntimeOptions> = {}): OwnRuntime {
  const stateRoot = facts.stateRoot ?? mkdtempSync(join(tmpdir(), 'berth-runtime-test-'));
  const runtime = new ProcessSessionRuntime({
    clock: new SystemClock(),
    randomness: new SystemRandomness(),
    log: new SilentLogger(),
    defaultCommand: [process.execPath, PLAIN_POD],
    baseEnv: { PATH: process.env.PATH ?? '' },
    logLevel: 'info',
    stateRoot,
    stopGraceMs: 1_000,
    memoryCheckMs: 50,
    ...facts,
  });
  const close = async (): Promise<void> => {
    await runtime.stop();
    await rm(stateRoot, { recursive: true, force: true });
  };
  return { runtime, stateRoot, close };
}

export interface About {
  pid: number;
  childPid?: number;
  cwd: string;
  env: Record<string, string>;
}

/** Asks a plain pod. */
export function ask(pod: Pod, path: string): Promise<Response> {
  return fetch(`http://${pod.address}${path}`, { headers: { connection: 'close' } });
}

export async function about(pod: Pod): Promise<About> {
  return (await (await ask(pod, '/about')).json()) as About;
}
