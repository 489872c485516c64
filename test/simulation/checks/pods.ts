import { short } from '../cluster/simulated-cluster.js';
import type { MakeCheck } from './check.js';

export const markedBeforeDeleted: MakeCheck = (_world, violated) => ({
  podDeleted(pod) {
    if (pod.markedUntilMs === undefined) violated(`${short(pod)} is deleted without having been condemned`);
  },
});

export const namedPodsAreKept: MakeCheck = (world, violated) => ({
  podDeleted(pod) {
    if (!pod.assignment || !world.store.remembers) return;
    const record = world.store.peek(pod.assignment.id);
    const isNamed = record?.pod?.uid === pod.uid && (record.state === 'ready' || record.state === 'creating');
    if (isNamed) violated(`${short(pod)} is deleted, and its record (${record.state}) names it`);
  },
});

export const livingPodsAreKept: MakeCheck = (world, violated) => ({
  recordChanged(after, before) {
    const isReplaced = before?.pod && after.generation === before.generation + 1 && after.opening === before.opening;
    if (!isReplaced || (before.state !== 'creating' && before.state !== 'ready')) return;
    const pod = world.cluster.pods.get(before.pod!.uid);
    if (pod && pod.phase !== 'dead' && !pod.deleting)
      violated(`${short(pod)} lives (${pod.phase}), and was replaced: ${after.lastFailure?.message}`);
  },
});
