import { at, podObject, podWithContainer } from '../../../../test/support/pod-objects.js';
import { eventually } from '../../../../test/support/eventually.js';
import { FakeRandomness } from '../../../../test/support/fake-randomness.js';
import { RecordingLogger } from '../../../../test/support/recording-logger.js';
import { SystemClock } from '../../../platform/clock.js';
import { KubernetesError } from '../../../platform/kubernetes/kubernetes-errors.js';
import type { Pod } from '../pod.js';
import type { HealthAsking } from './health-asking.js';
import { KnownPods } from './known-pods.js';
import { KubernetesPodWatch } from './kubernetes-pod-watch.js';
import { LastWords } from './last-words.js';
import type { PodObject } from './pod-object.js';
import { PodSight } from './pod-sight.js';

/** Answers lists with what is there, and keeps watches open until told to send an event or to break them. */
class FakeClient {
  pods: PodObject[] = [];
  lists = 0;
  private send?: (event: object | KubernetesError) => void;

  read(): Promise<unknown> {
    this.lists += 1;
    return Promise.resolve({ metadata: { resourceVersion: '100' }, items: this.pods });
  }

  raw(_path: string, _query: object, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const events: (object | KubernetesError)[] = [];
    let wake = (): void => undefined;
    this.send = (event) => {
      events.push(event);
      wake();
    };
    signal.addEventListener('abort', () => wake());
    return Promise.resolve(
      (async function* () {
        while (!signal.aborted) {
          const event = events.shift();
          if (event instanceof KubernetesError) throw event;
          if (event) yield Buffer.from(`${JSON.stringify(event)}\n`);
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      })(),
    );
  }

  async event(type: string, object: PodObject): Promise<void> {
    await eventually(() => expect(this.send).toBeDefined());
    this.send!({ type, object });
  }

  /** The server no longer has what happened since. */
  async gap(pods: PodObject[]): Promise<void> {
    await eventually(() => expect(this.send).toBeDefined());
    this.pods = pods;
    const send = this.send!;
    this.send = undefined;
    send(new KubernetesError('too old resource version', { status: 410, reason: 'Expired' }));
  }
}

const one = podObject({}, { uid: 'uid-1', resourceVersion: '1' });
const other = podObject({}, { uid: 'uid-2', resourceVersion: '2' });
const third = podObject({}, { uid: 'uid-3', resourceVersion: '3' });
const CRASHED = { exitCode: 7, reason: 'Error', startedAt: at(1), finishedAt: at(2) };

describe('a watch of pods', () => {
  let client: FakeClient;
  let known: KnownPods;
  let logger: RecordingLogger;
  let told: [uid: string, phase: Pod['phase'] | 'gone'][];
  let watch: KubernetesPodWatch;
  let lastLines: Promise<string>;

  function start(pods: PodObject[], changed: (pod: Pod, gone: boolean) => void = () => undefined): void {
    client = new FakeClient();
    client.pods = pods;
    known = new KnownPods();
    logger = new RecordingLogger();
    told = [];
    const asking = { consider: () => undefined, leave: () => undefined } as unknown as HealthAsking;
    const api = { logText: () => lastLines, warnings: () => Promise.resolve([]) };
    const sight = new PodSight(known, asking, new LastWords(api, known), api, logger);
    const options = { clock: new SystemClock(), randomness: new FakeRandomness(), logger };
    watch = new KubernetesPodWatch({ client: client as never, path: '/pods', sight, known, options }, (pod, gone) => {
      told.push([pod.uid, gone ? 'gone' : pod.phase]);
      changed(pod, gone);
    });
  }

  beforeEach(() => (lastLines = Promise.resolve('last words')));
  afterEach(() => watch.stop());

  it('tells after a gap what is gone and what is new or changed, and of nothing else', async () => {
    start([one, other]);
    await eventually(() => expect(told).toHaveLength(2));
    told.splice(0);
    const changed = podWithContainer({ started: true, state: { running: {} } });
    await client.gap([{ ...changed, metadata: { ...other.metadata, resourceVersion: '9' } }, third]);
    await eventually(() => expect(told).toHaveLength(3));
    expect(told).toEqual([
      ['uid-1', 'gone'],
      ['uid-2', 'ready'],
      ['uid-3', 'starting'],
    ]);
    await client.gap([{ ...changed, metadata: { ...other.metadata, resourceVersion: '9' } }, third]);
    await client.event('DELETED', third);
    await eventually(() => expect(told.at(-1)).toEqual(['uid-3', 'gone']));
    expect(told).toHaveLength(4);
    expect(client.lists).toBe(3);
  });

  it('tells at once that a pod answers, though its object has not changed', async () => {
    start([one]);
    await eventually(() => expect(told).toEqual([['uid-1', 'starting']]));
    known.expect(one);
    known.reached('uid-1', 0);
    expect(told.at(-1)).toEqual(['uid-1', 'ready']);
    known.reached('uid-1', 0);
    expect(told).toHaveLength(2);
  });

  it('tells of a crash loop together with the last words, in the order of what happened', async () => {
    let print = (_lines: string): void => undefined;
    lastLines = new Promise((resolve) => (print = resolve));
    const looping = podWithContainer({ restartCount: 2, state: { waiting: {} }, lastState: { terminated: CRASHED } });
    const messages: (string | undefined)[] = [];
    start([looping], (pod) => messages.push(pod.failure?.message));
    await eventually(() => expect(told).toEqual([['uid-1', 'restarting']]));
    const again = podWithContainer({
      restartCount: 3,
      started: true,
      state: { running: {} },
      lastState: { terminated: CRASHED },
    });
    await client.event('MODIFIED', { ...again, metadata: { ...again.metadata, resourceVersion: '8' } });
    await eventually(() => expect(told).toHaveLength(2));
    print('last words');
    await eventually(() => expect(told.at(-1)).toEqual(['uid-1', 'dead']));
    expect(told.map(([, phase]) => phase)).toEqual(['restarting', 'restarting', 'dead']);
    expect(messages.at(-1)).toContain('last words');
  });

  it('goes on when whoever listens fails', async () => {
    start([one, other], ({ uid }) => {
      if (uid === 'uid-1') throw new Error('not mine');
    });
    await eventually(() => expect(told).toHaveLength(2));
    expect(logger.of('kubernetes.watcher_failed')).toHaveLength(1);
  });

  it('knows nothing more of a pod that is gone', async () => {
    start([one]);
    await eventually(() => expect(told).toHaveLength(1));
    known.expect(one);
    known.reached('uid-1', 0);
    await client.event('DELETED', one);
    await eventually(() => expect(told.at(-1)).toEqual(['uid-1', 'gone']));
    known.reached('uid-1', 0);
    expect(told).toHaveLength(3);
    expect(known.learn(one)).not.toHaveProperty('reachableRun');
  });
});
