import { randomUUID } from 'node:crypto';

import { SystemClock } from '../../src/platform/clock.js';
import { KubernetesClient } from '../../src/platform/kubernetes/kubernetes-client.js';
import { ObjectWatch, type ObjectWatchOptions } from '../../src/platform/kubernetes/object-watch.js';
import { SystemRandomness } from '../../src/platform/randomness.js';
import { eventually } from '../support/eventually.js';
import {
  ApiClient,
  ApiProxy,
  type ControlPlane,
  describeWithControlPlane,
  startOwnControlPlane,
} from '../support/kubernetes/index.js';
import { RecordingLogger } from '../support/recording-logger.js';

interface Thing {
  metadata: { uid: string; name: string; resourceVersion: string };
}

const PATH = '/api/v1/namespaces/default/configmaps';

describeWithControlPlane('a watch of a real API server', () => {
  let controlPlane: ControlPlane;
  let proxy: ApiProxy;
  let admin: ApiClient;
  let client: KubernetesClient;
  let logger: RecordingLogger;
  let label: string;
  let there: Map<string, string>;
  let gone: string[];
  let lists: number;
  let watches: number;
  let watch: ObjectWatch<Thing> | undefined;

  beforeAll(async () => {
    controlPlane = await startOwnControlPlane();
    proxy = await ApiProxy.to(controlPlane);
    admin = new ApiClient(controlPlane.kubeconfig('admin'));
  }, 60_000);
  afterAll(async () => {
    await admin.close();
    await proxy.close();
    await controlPlane.stop();
  });
  beforeEach(() => {
    client = KubernetesClient.load({
      kubeconfigPath: controlPlane.kubeconfig('admin', { server: proxy.address }),
      namespace: 'default',
    });
    logger = new RecordingLogger();
    label = `watched=${randomUUID()}`;
    there = new Map();
    [gone, lists, watches] = [[], 0, 0];
  });
  afterEach(async () => {
    proxy.set('pass');
    await watch?.stop();
    await client.close();
  });

  const begin = (options: Partial<ObjectWatchOptions> = {}): void => {
    const counted = {
      read: ((path, query, signal) => {
        lists++;
        return client.read(path, query, signal);
      }) as KubernetesClient['read'],
      raw: ((path, query, signal) => {
        watches++;
        return client.raw(path, query, signal);
      }) as KubernetesClient['raw'],
    };
    watch = new ObjectWatch<Thing>(
      counted,
      { path: PATH, labelSelector: label },
      {
        replaced: (all) => all.forEach(({ metadata }) => there.set(metadata.name, metadata.uid)),
        changed: ({ metadata }) => there.set(metadata.name, metadata.uid),
        gone: ({ metadata }) => {
          gone.push(metadata.uid);
          if (there.get(metadata.name) === metadata.uid) there.delete(metadata.name);
        },
      },
      { clock: new SystemClock(), randomness: new SystemRandomness(), logger, ...options },
    );
    watch.start();
  };
  const put = async (name: string, data: object = {}): Promise<void> => {
    const [key, value] = label.split('=');
    const body = { metadata: { name, labels: { [key!]: value } }, data };
    await admin.call(PATH, { method: 'POST', body });
  };
  const remove = (name: string) => admin.call(`${PATH}/${name}`, { method: 'DELETE' });
  const shows = async (...names: string[]): Promise<void> =>
    eventually(() => expect([...there.keys()].sort()).toEqual(names), 15_000);

  it('shows what is there and what comes and goes, whatever letters and sizes it has', async () => {
    const name = `big-${randomUUID()}`;
    await put(name, { text: 'Zoë 🦀 '.repeat(60_000) });
    begin();
    await shows(name);
    const second = `second-${randomUUID()}`;
    await put(second, { text: '🦀'.repeat(200_000) });
    await shows(name, second);
    await remove(name);
    await shows(second);
    expect([lists, watches, logger.lines]).toEqual([1, 1, []]);
  });

  it('lists more than a page', async () => {
    const names = Array.from({ length: 501 }, (_, at) => `page-${at}-${randomUUID()}`).sort();
    for (let at = 0; at < names.length; at += 50) await Promise.all(names.slice(at, at + 50).map((name) => put(name)));
    begin();
    await shows(...names);
    expect(lists).toBe(2);
  }, 60_000);

  it('goes on after the end of each watch, without listing again and without a gap', async () => {
    begin({ watchSeconds: 1 });
    const names: string[] = [];
    await eventually(async () => {
      names.push(`step-${randomUUID()}`);
      await put(names.at(-1)!);
      expect(watches).toBeGreaterThanOrEqual(4);
    }, 15_000);
    await shows(...names.sort());
    expect([lists, logger.lines]).toEqual([1, []]);
    expect(watch!.ageMs()).toBeLessThan(2_500);
  });

  it('notices that the way has frozen, and catches up on it when it is free again', async () => {
    begin({ watchSeconds: 1, silenceMs: 2_000 });
    await shows();
    await eventually(() => expect(watch!.ageMs()).not.toBe('unsynced'));
    proxy.set('stall');
    const name = `frozen-${randomUUID()}`;
    await put(name);
    await eventually(() => expect(logger.of('kubernetes.watch-broken')).toHaveLength(1), 10_000);
    expect(watch!.ageMs()).toBeGreaterThan(1_000);
    proxy.set('pass');
    await shows(name);
    await eventually(() => expect(logger.of('kubernetes.watch-restored')).toHaveLength(1), 10_000);
  });

  it('notices an API server that has stopped in its tracks', async () => {
    begin({ watchSeconds: 1, silenceMs: 2_000 });
    await eventually(() => expect(watch!.ageMs()).not.toBe('unsynced'));
    controlPlane.pauseApiServer();
    try {
      await eventually(() => expect(logger.of('kubernetes.watch-broken')).toHaveLength(1), 10_000);
    } finally {
      controlPlane.resumeApiServer();
    }
    const name = `paused-${randomUUID()}`;
    await put(name);
    await shows(name);
  });

  it('tells what came and what went while the API server was away, also when it has forgotten the changes', async () => {
    const [stays, goes, comes] = ['stays', 'goes', 'comes'].map((name) => `${name}-${randomUUID()}`) as [
      string,
      string,
      string,
    ];
    await put(stays);
    await put(goes);
    begin();
    await shows(goes, stays);
    const uid = there.get(goes);
    proxy.set('cut');
    await remove(goes);
    await put(comes);
    await controlPlane.compact();
    await controlPlane.killApiServer();
    await controlPlane.startApiServer();
    await controlPlane.compact();
    proxy.set('pass');
    await shows(comes, stays);
    expect(gone).toEqual([uid]);
    expect(lists).toBeGreaterThanOrEqual(2);
    await eventually(() =>
      expect(logger.lines.map(({ event }) => event)).toEqual(['kubernetes.watch-broken', 'kubernetes.watch-restored']),
    );
  }, 60_000);

  it('begins as soon as the API server comes, however late that is', async () => {
    proxy.set('cut');
    begin();
    await eventually(() => expect(lists).toBeGreaterThan(2));
    expect(watch!.ageMs()).toBe('unsynced');
    const name = `late-${randomUUID()}`;
    await put(name);
    proxy.set('pass');
    await shows(name);
  });

  it('stops at once, though nothing is to be heard', async () => {
    begin();
    await eventually(() => expect(watches).toBe(1));
    proxy.set('stall');
    const atMs = performance.now();
    await watch!.stop();
    expect(performance.now() - atMs).toBeLessThan(1_000);
  });
});
