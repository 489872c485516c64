import { podWithContainer } from '../../../../test/support/pod-objects.js';
import { KnownPods } from './known-pods.js';
import type { PodObject } from './pod-object.js';

const runOver = { terminated: { exitCode: 1, startedAt: '2027-01-15T08:00:01Z', finishedAt: '2027-01-15T08:00:02Z' } };

/** It has run once, which is something to know of it. */
const crashed = podWithContainer({ restartCount: 1, lastState: runOver });
const podThatCrashed = (uid: string): PodObject => ({ ...crashed, metadata: { ...crashed.metadata, uid } });

describe('what is known of pods', () => {
  it('is as much as there are pods, whatever has come and gone', () => {
    const known = new KnownPods();
    known.expect(podThatCrashed('stays'));
    for (let each = 0; each < 100_000; each += 1) {
      known.expect(podThatCrashed(`uid-${each}`));
      known.forget(`uid-${each}`);
    }
    expect(known.size()).toBe(1);
  });

  /** Each deletion that the watch told of before the API server had answered it left a pod behind for ever. */
  it('is no more once the pod is gone, although an answer shows it later', () => {
    const known = new KnownPods();
    known.learn(podThatCrashed('uid-1'));
    expect(known.size()).toBe(1);
    known.forget('uid-1');
    known.learn(podThatCrashed('uid-1'));
    known.expect(podThatCrashed('uid-1'));
    expect(known.size()).toBe(0);
  });
});
