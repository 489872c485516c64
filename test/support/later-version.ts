import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Environment } from './launched.js';

/** Settings that make a replica one of a later version; what is later about it is told in the file that it loads. */
export const LATER_VERSION: Environment = {
  NODE_OPTIONS: `--import=${pathToFileURL(join(__dirname, 'later-version.mjs')).href}`,
};

/** What replicas of that version write, and no other. */
export const LATER = {
  recordField: 'laterField',
  /** Of pods, and of records. */
  schema: '2',
  label: 'berth.dev/later',
  annotation: 'berth.dev/later',
  /** Its pods are of a later schema. */
  template: 'later-schema',
} as const;
