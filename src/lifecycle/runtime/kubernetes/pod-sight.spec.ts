import { at, podObject, podWithContainer } from '../../../../test/support/pod-objects.js';
import { RecordingLogger } from '../../../../test/support/recording-logger.js';
import { KubernetesError } from '../../../platform/kubernetes/kubernetes-errors.js';
import type { HealthTarget } from './health-asking.js';
import { KnownPods } from './known-pods.js';
import { LastWords } from './last-words.js';
import type { EventObject } from './pod-api.js';
import type { PodObject } from './pod-object.js';
import { PodSight } from './pod-sight.js';

const CRASHED = { exitCode: 7, reason: 'Error', startedAt: at(1), finishedAt: at(2) };
const looping = podWithContainer({ restartCount: 2, state: { waiting: {} }, lastState: { terminated: CRASHED } });
const running = podWithContainer({ state: { running: { startedAt: at(1) } } }, { podIP: '10.0.0.1' });
const creating = podWithContainer({ state: { waiting: { reason: 'ContainerCreating' } } });
const warning = (reason: string, facts: Partial<EventObject>): EventObject => ({ reason, message: 'why', ...facts });

describe('what this replica sees of a pod', () => {
  let known: KnownPods;
  let logger: RecordingLogger;
  let targets: Map<string, HealthTarget | undefined>;
  let logs: (() => Promise<string>)[];
  let asked: object[];
  let warnings: () => Promise<readonly EventObject[]>;
  let sight: PodSight;

  beforeEach(() => {
    known = new KnownPods();
    logger = new RecordingLogger();
    targets = new Map();
    asked = [];
    logs = [];
    warnings = () => Promise.resolve([]);
    const api = {
      logText: (_: string, query: object) => (asked.push(query), logs.shift()?.() ?? Promise.resolve('')),
      warnings: () => warnings(),
    };
    const asking = {
      consider: (uid: string, target?: HealthTarget) => targets.set(uid, target),
      leave: (uid: string) => targets.delete(uid),
    };
    sight = new PodSight(known, asking as never, new LastWords(api, known), api, logger);
  });

  describe('its last words', () => {
    it('are read once, and told with its death', async () => {
      logs.push(() => Promise.resolve('first\nlast words\n'));
      const changes: string[] = [];
      known.onChange((uid) => changes.push(uid));
      expect(sight.show(looping)).toMatchObject({ phase: 'restarting', restarts: 2 });
      expect(sight.show(looping).phase).toBe('restarting');
      const [one, other] = await Promise.all([sight.showFully(looping), sight.showFully(looping)]);
      expect(one).toMatchObject({ phase: 'dead', crashed: true });
      expect(one.failure!.message).toMatch(/It printed last:\nfirst\nlast words$/);
      expect(other).toEqual(one);
      expect(sight.show(looping)).toEqual(one);
      expect(changes).toEqual(['uid-1']);
      expect(asked).toEqual([{ container: 'session', previous: false, tailLines: 20, limitBytes: 16_384 }]);
    });

    it('are those of the run that has ended, also when the next goes on', async () => {
      logs.push(() => Promise.resolve('last words'));
      const again = { restartCount: 3, state: { running: {} }, lastState: { terminated: CRASHED } };
      await sight.showFully(podWithContainer(again));
      expect(asked).toMatchObject([{ previous: true }]);
    });

    it('are found though the next run has begun, and printed nothing yet, since the pod was seen', async () => {
      logs.push(
        () => Promise.resolve(''),
        () => Promise.resolve('last words'),
      );
      expect((await sight.showFully(looping)).failure!.message).toMatch(/printed last:\nlast words$/);
      expect(asked).toMatchObject([{ previous: false }, { previous: true }]);
    });

    it('are the last of many', async () => {
      logs.push(() => Promise.resolve(`${'x'.repeat(5_000)} the end`));
      const { failure } = await sight.showFully(looping);
      expect(failure!.message.length).toBeLessThan(2_300);
      expect(failure!.message).toMatch(/ the end$/);
    });

    it('do not keep its death a secret when they cannot be read', async () => {
      const away = (): Promise<string> => Promise.reject(new KubernetesError('kubelet away', { status: 500 }));
      logs.push(away, away);
      const dead = await sight.showFully(looping);
      expect(dead).toMatchObject({ phase: 'dead', failure: { reason: 'CrashLoopBackOff' } });
      expect(dead.failure!.message).not.toContain('printed');
    });
  });

  describe('its health', () => {
    it('is asked for by who waits for it, and by nobody else', () => {
      sight.show(running);
      expect(targets.get('uid-1')).toBeUndefined();
      sight.showAwaited(running);
      expect(targets.get('uid-1')).toEqual({ host: '10.0.0.1', port: 8080, path: '/health', run: 0 });
    });

    it('makes it ready for all who look', () => {
      sight.showAwaited(running);
      known.reached('uid-1', 0);
      expect(sight.show(running).phase).toBe('ready');
      expect(targets.get('uid-1')).toBeUndefined();
    });

    it.each<[string, PodObject]>([
      ['it has no address', podWithContainer({ state: running.status!.containerStatuses![0]!.state })],
      ['it is condemned', marked(running)],
      ['it is being deleted', { ...running, metadata: { ...running.metadata, deletionTimestamp: at(3) } }],
      [
        'the kubelet has seen it start',
        podWithContainer({ started: true, state: { running: {} } }, { podIP: '1.2.3.4' }),
      ],
      ['it waits to be started again', podWithContainer({ state: { terminated: CRASHED } }, { podIP: '1.2.3.4' })],
      ['it is in a crash loop', { ...looping, status: { ...looping.status, podIP: '1.2.3.4' } }],
    ])('is not asked for when %s', (_, object) => {
      sight.showAwaited(running);
      sight.show(object);
      expect(targets.get('uid-1')).toBeUndefined();
    });

    it('is forgotten with the pod', () => {
      sight.showAwaited(running);
      known.reached('uid-1', 0);
      sight.forget('uid-1');
      expect(targets.has('uid-1')).toBe(false);
      expect(sight.show(running).phase).toBe('starting');
    });
  });

  describe('its newest warning', () => {
    it('tells why it does not start, where nothing else does', async () => {
      warnings = () =>
        Promise.resolve([
          warning('FailedScheduling', { lastTimestamp: at(1) }),
          warning('FailedMount', { lastTimestamp: null, eventTime: null, series: { lastObservedTime: at(9) } }),
          warning('FailedAttach', { eventTime: at(5) }),
        ]);
      expect(await sight.showFully(creating)).toMatchObject({
        phase: 'starting',
        failure: { reason: 'FailedMount', message: 'why' },
      });
      expect((await sight.showFully(running)).failure!.reason).toBe('NotReady');
    });

    it('may be hidden from Berth', async () => {
      warnings = () => Promise.reject(new KubernetesError('events is forbidden', { status: 403 }));
      expect((await sight.showFully(creating)).failure).toBeUndefined();
    });
  });

  it('is complained of once when it cannot be believed', () => {
    const lying = podObject({}, { labels: { ...podObject().metadata!.labels, 'berth.dev/generation': '9' } });
    sight.show(lying);
    expect(sight.show(lying)).not.toHaveProperty('assignment');
    expect(logger.of('kubernetes.pod_unbelievable')).toHaveLength(1);
  });
});

function marked(object: PodObject): PodObject {
  const annotations = { ...object.metadata?.annotations, 'berth.dev/condemned': at(9) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
