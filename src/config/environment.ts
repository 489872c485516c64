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
