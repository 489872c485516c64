import { accessSync, constants } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

import { PodRefused } from '../../lifecycle.errors.js';
import type { Env } from '../../session.js';
import type { Template } from '../../templates/template.js';
import type { PodAssignment } from '../pod.js';
import type { Place } from './pod-places.js';
import { bytesOfQuantity } from './quantity.js';
import type { PodFailure } from './run-failure.js';

/** What is started for a pod; the same at every restart, as it is for a container. */
export interface Launch {
  command: readonly string[];
  env: Env;
  healthPath: string;
  memoryLimitBytes?: number;
  port: number;
  folder: string;
}

export interface Surroundings {
  /** What a template without a command runs. */
  defaultCommand: readonly string[];
  /** What pods take over from Berth's surroundings: PATH, LANG and the like. Never a secret: sessions can read it. */
  baseEnv: Env;
  logLevel: string;
}

export interface LaunchOrder {
  template: Template;
  place: Place;
  /** Absent: a warm pod, which is nobody's yet. */
  session?: Pick<PodAssignment, 'id' | 'env'>;
}

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** As in a Kubernetes pod: `args` follow the command, which is the default one unless the template names another. */
export function launchOf(order: LaunchOrder, surroundings: Surroundings): Launch {
  const { template, place } = order;
  return {
    command: [...(template.command ?? surroundings.defaultCommand), ...template.args],
    env: podEnv(order, surroundings),
    healthPath: template.healthPath,
    memoryLimitBytes: memoryLimitOf(template),
    ...place,
  };
}

/** Built from nothing: Berth's own environment holds secrets. What Berth itself says comes last and wins. */
function podEnv({ template, place, session }: LaunchOrder, around: Surroundings): Env {
  const { port, folder } = place;
  return {
    PATH: DEFAULT_PATH,
    ...around.baseEnv,
    HOME: folder,
    TMPDIR: folder,
    LOG_LEVEL: around.logLevel,
    ...template.env,
    ...session?.env,
    ...(session && { SESSION_ID: session.id }),
    HOST: '127.0.0.1',
    PORT: String(port),
    STATE_FILE_PATH: join(folder, 'session-state.json'),
  };
}

function memoryLimitOf(template: Template): number | undefined {
  const limit = template.resources?.limits?.memory;
  if (limit === undefined) return undefined;
  const bytes = bytesOfQuantity(limit);
  if (bytes !== undefined) return bytes;
  throw new PodRefused(
    'InvalidTemplate',
    `The memory limit "${limit}" of template ${template.name} is not a quantity such as 512Mi.`,
  );
}

/** Why this cannot be started at all; undefined: it can be tried. */
export function whyNotStart({ command: [program], env, folder }: Launch): PodFailure | undefined {
  if (program === undefined) return { reason: 'CommandNotFound', message: 'There is no command to run.' };
  if (candidates(program, env.PATH ?? DEFAULT_PATH, folder).some(isExecutable)) return undefined;
  const where = program.includes('/')
    ? 'is no executable file. Name it with its absolute path: a pod runs in a folder of its own'
    : `is not in PATH (${env.PATH})`;
  return { reason: 'CommandNotFound', message: `The command "${program}" ${where}.` };
}

function candidates(program: string, path: string, folder: string): string[] {
  if (isAbsolute(program)) return [program];
  if (program.includes('/')) return [resolve(folder, program)];
  return path.split(':').map((dir) => resolve(folder, dir, program));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
