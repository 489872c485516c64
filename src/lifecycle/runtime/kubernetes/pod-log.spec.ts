import { at, podObject, podWithContainer } from '../../../../test/support/pod-objects.js';
import { eventually } from '../../../../test/support/eventually.js';
import { FakeClock } from '../../../../test/support/fake-clock.js';
import { KubernetesError } from '../../../platform/kubernetes/kubernetes-errors.js';
import type { Query } from '../../../platform/kubernetes/kubernetes-client.js';
import { RuntimeUnavailable } from '../../lifecycle.errors.js';
import { PodLog } from './pod-log.js';
import type { PodObject } from './pod-object.js';
import { podOf } from './pod-view.js';

const NOTHING = { crashes: { lastRun: -1, lastEndMs: 0, shortRuns: 0, isLooping: false } };
const POD = podOf(podObject(), NOTHING);
const never = new AbortController().signal;

const running = (restartCount = 0): PodObject =>
  podWithContainer({ restartCount, state: { running: { startedAt: at(1) } } });
const waiting = (restartCount = 0): PodObject =>
  podWithContainer({ restartCount, state: { waiting: {} }, lastState: { terminated: { finishedAt: at(2) } } });
const creating = podWithContainer({ state: { waiting: { reason: 'ContainerCreating' } } });
const gone = new KubernetesError('not found', { status: 404, details: { kind: 'pods' } });

/** Shows the pod as these, one look after the other (the last one stays), and streams these pieces, one call each. */
class FakeApi {
  readonly asked: Query[] = [];

  constructor(
    private readonly looks: (PodObject | Error)[],
    private readonly streams: (string | Error)[],
  ) {}

  get(): Promise<PodObject> {
    const look = this.looks.length > 1 ? this.looks.shift()! : this.looks[0]!;
    return look instanceof Error ? Promise.reject(look) : Promise.resolve(look);
  }

  log(_name: string, query: Query): Promise<AsyncIterable<Uint8Array>> {
    this.asked.push(query);
    const stream = this.streams.shift() ?? '';
    if (stream instanceof Error) return Promise.reject(stream);
    return Promise.resolve(
      (async function* () {
        yield await Promise.resolve(Buffer.from(stream));
      })(),
    );
  }
}

async function read(api: FakeApi, options: { follow: boolean; tailLines?: number; signal?: AbortSignal }) {
  const clock = new FakeClock();
  let text = '';
  let isOver = false;
  const reading = (async () => {
    for await (const bytes of new PodLog(api, clock).read(POD, { signal: never, ...options })) text += String(bytes);
  })().finally(() => (isOver = true));
  reading.catch(() => undefined);
  await eventually(async () => {
    await clock.advance(500);
    expect(isOver).toBe(true);
  });
  await reading;
  return text;
}

describe('the log of a pod', () => {
  it('is read to its end', async () => {
    const api = new FakeApi([running()], ['one\n']);
    expect(await read(api, { follow: false, tailLines: 3 })).toBe('one\n');
    expect(api.asked).toEqual([{ container: 'session', tailLines: 3 }]);
  });

  it('that freezes before its end is not taken for all there is, and holds nobody up', async () => {
    const api = new FakeApi([running()], []);
    api.log = (_name: string, _query: Query, signal?: AbortSignal) =>
      Promise.resolve(
        (async function* () {
          yield Buffer.from('one\n');
          await new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Error('cut'))));
        })(),
      );
    const clock = new FakeClock();
    const pieces = new PodLog(api, clock).read(POD, { signal: never, follow: false });
    expect(String((await pieces.next()).value)).toBe('one\n');
    const rest = pieces.next();
    rest.catch(() => undefined);
    await clock.advance(10_000);
    await expect(rest).rejects.toBeInstanceOf(RuntimeUnavailable);
  });

  it.each<[string, PodObject | Error, (string | Error)[]]>([
    ['of a pod that is gone', gone, ['not asked']],
    ['of another pod that has its name', podObject({}, { uid: 'uid-2' }), ['not asked']],
    ['before there is any', creating, [new KubernetesError('waiting to start', { status: 400 })]],
  ])('is empty %s', async (_, look, streams) => {
    expect(await read(new FakeApi([look], streams), { follow: false })).toBe('');
  });

  it('is not taken for empty when it cannot be read', async () => {
    const api = new FakeApi([running()], [new KubernetesError('kubelet away', { status: 500 })]);
    await expect(read(api, { follow: false })).rejects.toBeInstanceOf(RuntimeUnavailable);
    const away = new FakeApi([new KubernetesError('away')], []);
    await expect(read(away, { follow: false })).rejects.toBeInstanceOf(RuntimeUnavailable);
  });

  it('is followed from run to run until the pod is gone', async () => {
    const api = new FakeApi(
      [creating, running(0), waiting(0), waiting(0), running(1), gone],
      ['first run\n', 'second run\n'],
    );
    expect(await read(api, { follow: true, tailLines: 5 })).toBe('first run\nsecond run\n');
    expect(api.asked).toEqual([
      { container: 'session', follow: true, tailLines: 5 },
      { container: 'session', follow: true, tailLines: undefined },
    ]);
  });

  it('is taken up again where a stream broke', async () => {
    const api = new FakeApi([running(), running(), gone], ['before\n', 'after\n']);
    expect(await read(api, { follow: true })).toBe('before\nafter\n');
    expect(api.asked[1]).toMatchObject({ follow: true, sinceSeconds: 1 });
  });

  it('of a pod that waits to be started again is that of its last run, once', async () => {
    const api = new FakeApi([waiting(2), waiting(2), waiting(2), gone], ['last words\n', 'again\n']);
    expect(await read(api, { follow: true })).toBe('last words\n');
  });

  it('ends with what a pod that is being deleted prints last', async () => {
    const ending = running();
    const object = { ...ending, metadata: { ...ending.metadata, deletionTimestamp: at(5) } };
    expect(await read(new FakeApi([object], ['good bye\n', 'again\n']), { follow: true })).toBe('good bye\n');
  });

  it('ends for who leaves', async () => {
    const leaving = new AbortController();
    const api = new FakeApi([creating], []);
    const reading = read(api, { follow: true, signal: leaving.signal });
    leaving.abort();
    expect(await reading).toBe('');
  });
});
