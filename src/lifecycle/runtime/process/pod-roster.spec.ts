import { SilentLogger } from '../../../../test/support/silent-logger.js';
import type { Pod } from '../pod.js';
import { PodRoster } from './pod-roster.js';

const FACTS: Omit<Pod, 'revision'> = {
  name: 'pod-1',
  uid: 'uid-1',
  template: 'plain',
  templateHash: '',
  phase: 'starting',
  restarts: 0,
  deleting: false,
  createdAtMs: 0,
  wasWarm: true,
};

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the roster of pods', () => {
  let roster: PodRoster;
  let told: string[];
  const tell = (pod: Pod, gone: boolean): void => void told.push(`${pod.name} ${gone ? 'gone' : pod.phase}`);
  beforeEach(() => {
    roster = new PodRoster(new SilentLogger());
    told = [];
  });

  it('compares name, uid and revision', () => {
    const first = roster.put(FACTS);
    expect(roster.compare(first)).toBe(first);
    const second = roster.put({ ...first, phase: 'ready' });
    expect(second.revision).not.toBe(first.revision);
    expect(roster.compare(first)).toBe('changed');
    expect(roster.compare({ ...second, uid: 'uid-2' })).toBe('changed');
    expect(roster.compare({ ...second, name: 'pod-2' })).toBe('absent');
    roster.remove('pod-1');
    expect(roster.compare(second)).toBe('absent');
  });

  it('shows nothing that can be changed from outside', () => {
    const failure = { reason: 'Exited', message: 'once' };
    const pod = roster.put({ ...FACTS, failure });
    failure.message = 'changed';
    expect(roster.find('pod-1')!.failure!.message).toBe('once');
    expect(() => Object.assign(pod, { phase: 'dead' })).toThrow(TypeError);
    expect(() => Object.assign(pod.failure!, { reason: 'x' })).toThrow(TypeError);
  });

  it('tells a watcher what is there, then every change in its order, each once', async () => {
    const pod = roster.put(FACTS);
    const watch = roster.watch(tell);
    expect(watch.ageMs()).toBe('unsynced');
    roster.put({ ...pod, phase: 'ready' });
    await settled();
    expect(watch.ageMs()).toBe(0);
    expect(told).toEqual(['pod-1 ready']);
    roster.put({ ...pod, phase: 'restarting' });
    roster.put({ ...pod, phase: 'ready' });
    roster.remove('pod-1');
    expect(told).toHaveLength(1);
    await settled();
    expect(told).toEqual(['pod-1 ready', 'pod-1 restarting', 'pod-1 ready', 'pod-1 gone']);
  });

  it('tells a watcher nothing of a pod that was gone before it looked', async () => {
    roster.put(FACTS);
    roster.watch(tell);
    roster.remove('pod-1');
    await settled();
    expect(told).toEqual([]);
  });

  it('tells nothing to a watcher that stopped, not even what had happened before', async () => {
    const watch = roster.watch(tell);
    await settled();
    roster.put(FACTS);
    await watch.stop();
    await settled();
    expect(told).toEqual([]);
  });

  it('goes on telling others, and the same one, when a watcher fails', async () => {
    const failing = jest.fn(() => {
      throw new Error('a fault in a watcher');
    });
    roster.watch(failing);
    roster.watch(tell);
    await settled();
    const pod = roster.put(FACTS);
    roster.put({ ...pod, phase: 'ready' });
    await settled();
    expect(told).toEqual(['pod-1 starting', 'pod-1 ready']);
    expect(failing).toHaveBeenCalledTimes(2);
  });
});
