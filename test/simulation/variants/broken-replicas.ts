import { LeaderTasks } from '../../../src/leadership/leader-tasks.js';
import type { Contact } from '../../../src/lifecycle/admission/contact.js';
import type { PodWitness } from '../../../src/lifecycle/admission/pod-witness.js';
import type { Hold } from '../../../src/lifecycle/admission/waiting-room.js';
import type { Calm } from '../../../src/lifecycle/leading/calm.js';
import type { Touch } from '../../../src/lifecycle/store/session-store.js';
import type { AdmissionRequest } from '../../../src/lifecycle/sessions.js';
import type { DirectoryRefresh } from '../../../src/lifecycle/view/directory-refresh.js';
import { WayToPod } from '../replica/pod-errand.js';
import type { ReplicaRun } from '../replica/replica-run.js';
import { followsIntoTheNext } from './broken-stores.js';
import { opened, replace, type Variant } from './variant.js';

export const forgetsHeartbeats: Variant = {
  name: 'the heartbeat is forgotten',
  harms: ['a session in use is not reaped'],
  breakRun: ({ store }) =>
    replace(store, { touch: (touches: readonly Touch[]) => Promise.resolve(touches.map(() => 'touched')) }),
};

export const writesNoUse: Variant = {
  name: 'without the store use is not written to the pod',
  noticedAt: 457,
  harms: ['a session in use is not reaped'],
  breakRun: ({ lifecycle }) =>
    replace(opened<PodWitness>(lifecycle, 'witness'), { recordUse: () => Promise.resolve(true) }),
};

function neverLooksAgain(run: ReplicaRun): void {
  const admit = run.sessions.admit.bind(run.sessions);
  replace(run.sessions, {
    admit: async (request: AdmissionRequest) => {
      const admission = await admit(request);
      return 'address' in admission ? Object.assign(admission, { isFresh: () => true }) : admission;
    },
  });
}

export const sendsStale: Variant = {
  name: 'freshness is not looked at again after connecting',
  shieldedBy: 'connections are let go as soon as the store or the watch says that their pod is no longer to be reached',
  harms: ['no request reaches a pod that the record does not name', "no request reaches another session's pod"],
  breakRun: (run) => neverLooksAgain(run),
};

export const sendsStaleAnywhere: Variant = {
  name: 'neither freshness nor the connection is looked at again after connecting',
  noticedAt: 60,
  harms: ['no request reaches a pod that the record does not name', "no request reaches another session's pod"],
  breakRun: (run) => {
    neverLooksAgain(run);
    replace(run, { wayTo: () => new WayToPod() });
  },
};

export const isNeverCalm: Variant = {
  name: 'the reaper does not wait for calm after an outage',
  noticedAt: 211,
  harms: ['a session in use is not reaped'],
  breakRun: ({ lifecycle }) => replace(opened<Calm>(lifecycle, 'calm'), { lastedMs: () => Infinity }),
};

export const leadsOn: Variant = {
  name: 'a leader goes on after its lease was lost, and believes its own view',
  noticedAt: 3,
  harms: ["only the leader does a leader's work", 'no pod that a record names is deleted'],
  breakRun: ({ leadership, store }) => {
    const tasks = opened<LeaderTasks>(leadership, 'tasks');
    const run = tasks.run.bind(tasks);
    replace(tasks, { run: () => run(new AbortController().signal) });
    replace(store, { isNamed: () => Promise.resolve(false) });
  },
};

export const removesUnasked: Variant = {
  name: 'a stray pod is removed without the word of the store',
  noticedAt: 57,
  harms: ['no pod that a record names is deleted'],
  breakRun: ({ store }) => replace(store, { isNamed: () => Promise.resolve(false) }),
};

export const servesOn: Variant = {
  name: 'a replica that is cut off from both serves on',
  noticedAt: 99,
  harms: ['who hears of neither store nor Kubernetes for a minute stops serving'],
  breakRun: ({ lifecycle }) => replace(opened<Contact>(lifecycle, 'contact'), { isLost: () => false }),
};

export const neverReadsAgain: Variant = {
  name: 'the view is not put right after missed notifications',
  shieldedBy: 'every answer of the store puts the view right, and the leader reads everything now and then',
  harms: ['nobody waits in vain', 'no request hangs'],
  breakRun: ({ lifecycle }) => replace(opened<DirectoryRefresh>(lifecycle, 'refresh'), { soon: () => undefined }),
};

export const neverCorrected: Variant = {
  name: 'the view is put right neither by reading again nor by what a step is answered',
  noticedAt: 946,
  harms: neverReadsAgain.harms,
  breakRun: ({ lifecycle }) => {
    replace(opened<DirectoryRefresh>(lifecycle, 'refresh'), { soon: () => undefined, all: () => Promise.resolve() });
    const { taker } = opened<{ taker: object }>(opened(lifecycle, 'driver'), 'steps');
    replace(taker, { note: () => undefined });
  },
};

export const ridesOn: Variant = {
  name: 'a DELETE reaches the requests that are held neither here nor when they ask the store',
  noticedAt: 22,
  harms: ['who is held for a session that is ended is told so', 'nobody waits in vain'],
  breakWorld: (world) => followsIntoTheNext.breakWorld?.(world),
  breakRun: ({ lifecycle: { waiting } }) => {
    const hold = waiting.hold.bind(waiting);
    const look =
      ({ look }: Hold): Hold['look'] =>
      () => {
        const verdict = look();
        return typeof verdict === 'object' ? 'go' : verdict;
      };
    replace(waiting, { hold: (held: Hold) => hold({ ...held, look: look(held) }) });
  },
};
