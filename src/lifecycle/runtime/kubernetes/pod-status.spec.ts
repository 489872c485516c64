import { at, podObject, podWithContainer } from '../../../../test/support/pod-objects.js';
import type { Pod } from '../pod.js';
import { nextCrashCount } from './crash-count.js';
import type { PodObject, PodObjectStatus, Termination } from './pod-object.js';
import type { KnownOfPod } from './pod-status.js';
import { podOf } from './pod-view.js';

function shown(object: PodObject, known: Partial<KnownOfPod> = {}): Pod {
  return podOf(object, { crashes: nextCrashCount(object), ...known });
}

const CRASHED: Termination = { exitCode: 7, reason: 'Error', startedAt: at(1), finishedAt: at(2) };
const LOOPING = { crashes: { lastRun: 2, lastEndMs: 0, shortRuns: 3, isLooping: true } };
const RUNNING = { running: { startedAt: at(3) } };
const NOT_YET = 'does not answer GET /health on port 8080 yet.';

const unschedulable: PodObjectStatus = {
  phase: 'Pending',
  conditions: [
    { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/2 nodes: 2 Insufficient cpu.' },
  ],
};

describe('the phase of a pod is', () => {
  it.each<[string, PodObject, Partial<KnownOfPod>, Pod['phase']]>([
    ['starting before a node has it', podObject(unschedulable), {}, 'starting'],
    ['starting before it has a container', podObject({ phase: 'Pending' }), {}, 'starting'],
    [
      'starting while it is made',
      podWithContainer({ state: { waiting: { reason: 'ContainerCreating' } } }),
      {},
      'starting',
    ],
    ['starting while it runs but has not started', podWithContainer({ state: RUNNING }), {}, 'starting'],
    ['ready once it has started', podWithContainer({ state: RUNNING, started: true }), {}, 'ready'],
    [
      'ready though it does not answer its readiness probe',
      podWithContainer(
        { state: RUNNING, started: true, ready: false },
        { conditions: [{ type: 'Ready', status: 'False' }] },
      ),
      {},
      'ready',
    ],
    ['ready once it answers', podWithContainer({ state: RUNNING }), { reachableRun: 0 }, 'ready'],
    [
      'ready once it answers, though the kubelet has not said that it runs',
      podWithContainer({ state: { waiting: { reason: 'ContainerCreating' } } }),
      { reachableRun: 0 },
      'ready',
    ],
    [
      'restarting when it answered and has ended since',
      podWithContainer({ state: { terminated: CRASHED } }),
      { reachableRun: 0 },
      'restarting',
    ],
    [
      'restarting while it waits',
      podWithContainer({ state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: CRASHED } }),
      {},
      'restarting',
    ],
    [
      'restarting while it runs again but has not started',
      podWithContainer({ restartCount: 1, state: RUNNING, lastState: { terminated: CRASHED } }),
      { reachableRun: 0 },
      'restarting',
    ],
    [
      'ready once it answers again',
      podWithContainer({ restartCount: 1, state: RUNNING, lastState: { terminated: CRASHED } }),
      { reachableRun: 1 },
      'ready',
    ],
    [
      'ready once it has started again',
      podWithContainer({ restartCount: 1, state: RUNNING, started: true, lastState: { terminated: CRASHED } }),
      {},
      'ready',
    ],
    [
      'restarting in a crash loop until its last words are known',
      podWithContainer({ restartCount: 3, state: RUNNING, started: true, lastState: { terminated: CRASHED } }),
      LOOPING,
      'restarting',
    ],
    [
      'dead in a crash loop then',
      podWithContainer({ restartCount: 2, state: { terminated: CRASHED } }),
      { ...LOOPING, lastWords: '' },
      'dead',
    ],
    ['dead when its node has given it up', podObject({ phase: 'Failed', reason: 'Evicted' }), {}, 'dead'],
    ['dead when it has ended', podObject({ phase: 'Succeeded' }), {}, 'dead'],
    [
      'as it was while it ends as ordered',
      podObject(
        { phase: 'Running', containerStatuses: [{ name: 'session', restartCount: 0, started: true, state: RUNNING }] },
        { deletionTimestamp: at(9) },
      ),
      {},
      'ready',
    ],
    [
      'not dead when it has ended as ordered',
      podObject({ phase: 'Failed' }, { deletionTimestamp: at(9) }),
      {},
      'starting',
    ],
  ])('%s', (_, object, known, phase) => {
    expect(shown(object, known).phase).toBe(phase);
  });
});

describe('why a pod does not start is told', () => {
  it.each([
    ['ErrImagePull', 'failed to pull and unpack image "a/b:1": not found'],
    ['ImagePullBackOff', 'Back-off pulling image "a/b:1"'],
    ['CreateContainerConfigError', 'secret "x" not found'],
    ['CreateContainerError', 'context deadline exceeded'],
    ['RunContainerError', 'exec: "nope": executable file not found in $PATH'],
  ])('as %s', (reason, message) => {
    const pod = shown(podWithContainer({ state: { waiting: { reason, message } } }, { phase: 'Pending' }));
    expect(pod).toMatchObject({ phase: 'starting', failure: { reason, message } });
  });

  it('without addresses', () => {
    const waiting = { reason: 'ErrImagePull', message: 'dial tcp 10.0.0.9:443: i/o timeout' };
    expect(shown(podWithContainer({ state: { waiting } })).failure!.message).toBe('dial tcp (address): i/o timeout');
  });

  it.each<[string, PodObject, Pod['failure']]>([
    ['the scheduler', podObject(unschedulable), { reason: 'Unschedulable', message: '0/2 nodes: 2 Insufficient cpu.' }],
    ['its health path', podWithContainer({ state: RUNNING }), { reason: 'NotReady', message: `It ${NOT_YET}` }],
    [
      'its last end',
      podWithContainer({ state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: CRASHED } }),
      { reason: 'Exited', message: 'The container exited with code 7.' },
    ],
    [
      'its last end and its health path',
      podWithContainer({ restartCount: 1, state: RUNNING, lastState: { terminated: CRASHED } }),
      { reason: 'Exited', message: `The container exited with code 7. Started again, it ${NOT_YET}` },
    ],
    [
      'its memory limit',
      podWithContainer({ state: { terminated: { ...CRASHED, exitCode: 137, reason: 'OOMKilled' } } }),
      {
        reason: 'OOMKilled',
        message: 'The container was killed: it used more memory than its limit (resources.limits.memory).',
      },
    ],
    [
      'the signal that ended it',
      podWithContainer({ state: { terminated: { ...CRASHED, exitCode: 137 } } }),
      { reason: 'Exited', message: 'The container was killed with SIGKILL, by its node or for want of memory.' },
    ],
    [
      'another signal',
      podWithContainer({ state: { terminated: { ...CRASHED, exitCode: 139 } } }),
      { reason: 'Exited', message: 'The container was ended by signal 11.' },
    ],
    [
      'an end without a fault',
      podWithContainer({ state: { terminated: { ...CRASHED, exitCode: 0, reason: 'Completed' } } }),
      { reason: 'Exited', message: 'The container exited with code 0, though a pod has to go on serving.' },
    ],
    [
      'what could not be run',
      podWithContainer({
        state: { terminated: { exitCode: 128, reason: 'StartError', message: 'exec: "nope": not found' } },
      }),
      { reason: 'StartError', message: 'The container exited with code 128 (exec: "nope": not found).' },
    ],
    ['nobody while all is well', podWithContainer({ state: { waiting: { reason: 'ContainerCreating' } } }), undefined],
  ])('by %s', (_, object, failure) => {
    expect(shown(object).failure).toEqual(failure);
  });
});

describe('of a dead pod is told', () => {
  it.each<[string, PodObject, Partial<KnownOfPod>, Partial<Pod>]>([
    [
      'who gave it up',
      podObject({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }),
      {},
      { crashed: false, failure: { reason: 'Evicted', message: 'The node was low on resource: memory.' } },
    ],
    [
      'what the cluster takes it away for',
      podObject({
        phase: 'Running',
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByTaintManager',
            message: 'Taint manager: deleting',
          },
        ],
      }),
      {},
      { crashed: false, failure: { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting' } },
    ],
    [
      'that an image name never gets better',
      podWithContainer({ state: { waiting: { reason: 'InvalidImageName', message: 'couldn\'t parse "A B"' } } }),
      {},
      { crashed: true, failure: { reason: 'InvalidImageName', message: 'couldn\'t parse "A B"' } },
    ],
    [
      'how it crashed and what it printed',
      podWithContainer({ restartCount: 2, state: { terminated: CRASHED } }),
      { ...LOOPING, lastWords: 'first words\nlast words' },
      {
        crashed: true,
        restarts: 2,
        failure: {
          reason: 'CrashLoopBackOff',
          message:
            'The container exited with code 7. That was the third time without 60 s of running between. It printed last:\nfirst words\nlast words',
        },
      },
    ],
    [
      'that it needs more memory',
      podWithContainer({ restartCount: 2, state: { terminated: { ...CRASHED, reason: 'OOMKilled' } } }),
      { ...LOOPING, lastWords: '' },
      {
        crashed: true,
        failure: {
          reason: 'OOMKilled',
          message:
            'The container was killed: it used more memory than its limit (resources.limits.memory). That was the third time without 60 s of running between.',
        },
      },
    ],
  ])('%s', (_, object, known, facts) => {
    expect(shown(object, known)).toMatchObject({ phase: 'dead', ...facts });
  });

  it('nothing of a disruption that was called off', () => {
    const conditions = [{ type: 'DisruptionTarget', status: 'False', reason: 'PreemptionByScheduler' }];
    expect(shown(podWithContainer({ state: RUNNING, started: true }, { conditions })).phase).toBe('ready');
  });
});
