import type { MakeCheck } from './check.js';
import { heldAreTold, tombstonesAreKept } from './endings.js';
import { importsTakeTheLiving } from './imports.js';
import { oneLeader, onlyLeadersWork } from './leaders.js';
import { livingPodsAreKept, markedBeforeDeleted, namedPodsAreKept } from './pods.js';
import { noForeignPod, nothingServedWhenCutOff, onlyTheNamedPod } from './reached-pods.js';
import * as records from './records.js';
import { calmWorldsAnswer, nobodyWaitsInVain, noRequestHangs } from './requests.js';
import { usedSessionsAreKept } from './use.js';

/** Every promise that is watched while a world runs. Three more are looked at by whoever sees them: see README.md. */
export const CHECKS = {
  "no request reaches another session's pod": noForeignPod,
  'no request reaches a pod that the record does not name': onlyTheNamedPod,
  'who hears of neither store nor Kubernetes for a minute stops serving': nothingServedWhenCutOff,
  'a session has one owner': records.oneOwner,
  'while its tombstone lives only the owner reopens a session': tombstonesAreKept,
  'generations rise': records.generationsRise,
  'one generation of a session is one pod for ever': records.oneUidForEver,
  'an import makes of each session what its highest living pod shows': importsTakeTheLiving,
  'a record names a pod of its own session, owner and generation': records.namedPodsAreOwn,
  'no two sessions are ready at one address': records.oneSessionAtAnAddress,
  'the limits hold': records.limitsHold,
  'a pod is condemned before it is deleted': markedBeforeDeleted,
  'no pod that a record names is deleted': namedPodsAreKept,
  'only dead pods are replaced': livingPodsAreKept,
  'a session in use is not reaped': usedSessionsAreKept,
  'no request hangs': noRequestHangs,
  'nobody waits in vain': nobodyWaitsInVain,
  'who is held for a session that is ended is told so': heldAreTold,
  'nobody is refused where nothing fails': calmWorldsAnswer,
  'at most one replica leads': oneLeader,
  "only the leader does a leader's work": onlyLeadersWork,
} satisfies Record<string, MakeCheck>;

/** What is seen elsewhere than in a check of its own. */
export const OTHER_PROMISES = [
  'every refusal is a known one',
  'nothing fails for an unknown reason',
  'when all is well again every session can be had',
  'when nobody comes any more nothing is left over',
] as const;

export type PromiseName = keyof typeof CHECKS | (typeof OTHER_PROMISES)[number];
