import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadSettings } from './load-settings.js';
import type { Settings } from './settings.schema.js';

/** What a session's process takes over from this one. Nothing else: an environment holds secrets. */
const HANDED_ON = ['PATH', 'LANG', 'LC_ALL', 'TZ'] as const;

/** The one place where process.env is read. */
export function readSettings(): Settings {
  return loadSettings(process.env);
}

/** How the process runtime's pods are surrounded on this machine. */
export function processSurroundings(settings: Settings) {
  const baseEnv = Object.fromEntries(
    HANDED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  return {
    defaultCommand: [process.execPath, join(__dirname, '..', 'session-pod', 'main.js')],
    baseEnv,
    logLevel: settings.LOG_LEVEL,
    stateRoot: settings.PROCESS_STATE_PATH ?? tmpdir(),
  };
}

/** Where Kubernetes tells a pod that the API is. */
export function apiServerOfThisPod(): { host: string; port: string } {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = process.env;
  return { host, port };
}

/** A program that hands out credentials is the operator's own, and goes by all that stands here: HOME, AWS_PROFILE, … */
export function pluginEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}
