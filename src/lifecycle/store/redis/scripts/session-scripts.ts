import { redisScript } from '../../../../platform/redis/redis-script.js';
import { DEADLINES } from './deadlines.js';
import { END, FINISH, REAP } from './ending.js';
import { ENTER } from './entering.js';
import { BEGIN_IMPORT, CLEAR_LISTS, FINISH_IMPORT, IMPORT_POD, NOTE_LIVING, RELIST } from './importing.js';
import { NEEDS_MEMORY, PRELUDE } from './prelude.js';
import { DUE, FIND, IS_NAMED, LIST, POSITION, TALLY } from './reading.js';
import { RECORDS } from './records.js';
import { FAIL, MARK_READY, NAME_POD, REPLACE, TRY_START } from './starting.js';
import { CHANGE, POSTPONE, TOUCH } from './using.js';

const ordinary = (body: string) => redisScript(PRELUDE + NEEDS_MEMORY + DEADLINES + RECORDS + body);
/**
 * Also when the server's memory is full: what ends sessions makes room, and what records their use or puts an end off has
 * to hold against it. A server that takes no changes for another reason refuses these before they begin: also the question
 * what is due, for nobody should be condemned whom it will not let end.
 */
const evenWhenFull = (body: string) =>
  redisScript('#!lua flags=allow-oom\n' + PRELUDE + NEEDS_MEMORY + DEADLINES + RECORDS + body);
const ofImport = (body: string) => redisScript(PRELUDE + DEADLINES + RECORDS + body);

/** Every step of the store, whole. */
export const SCRIPTS = {
  enter: ordinary(ENTER),
  touch: evenWhenFull(TOUCH),
  tryStart: ordinary(TRY_START),
  namePod: ordinary(NAME_POD),
  markReady: ordinary(MARK_READY),
  replace: ordinary(REPLACE),
  fail: ordinary(FAIL),
  reap: evenWhenFull(REAP),
  end: evenWhenFull(END),
  finish: evenWhenFull(FINISH),
  change: ordinary(CHANGE),
  postpone: evenWhenFull(POSTPONE),
  isNamed: ordinary(IS_NAMED),
  find: ordinary(FIND),
  list: ordinary(LIST),
  due: evenWhenFull(DUE),
  tally: ordinary(TALLY),
  beginImport: ofImport(BEGIN_IMPORT),
  importPod: ofImport(IMPORT_POD),
  noteLiving: ofImport(NOTE_LIVING),
  clearLists: ofImport(CLEAR_LISTS),
  relist: ofImport(RELIST),
  finishImport: ofImport(FINISH_IMPORT),
  position: redisScript(PRELUDE + POSITION),
} as const;

export type ScriptName = keyof typeof SCRIPTS;
