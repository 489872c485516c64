import { at, podObject, podOrder, podWithContainer } from '../../../../test/support/pod-objects.js';
import type { Pod } from '../pod.js';
import { nextCrashCount } from './crash-count.js';
import { ANNOTATION, LABEL } from './pod-metadata.js';
import type { PodObject } from './pod-object.js';
import type { KnownOfPod } from './pod-status.js';
import { podOf } from './pod-view.js';

function shown(object: PodObject, known: Partial<KnownOfPod> = {}): Pod {
  return podOf(object, { crashes: nextCrashCount(object), ...known });
}

const RUNNING = { running: { startedAt: at(3) } };

describe('a pod as the port shows it', () => {
  it('says what its object says', () => {
    const object = podWithContainer({ state: RUNNING, started: true }, { podIP: '10.1.2.3' });
    const { definition, ...assignment } = podOrder();
    expect(shown({ ...object, spec: { ...object.spec, nodeName: 'node-1' } })).toEqual({
      name: object.metadata!.name,
      uid: 'uid-1',
      revision: '7',
      template: definition.name,
      templateHash: 'abc',
      assignment,
      phase: 'ready',
      address: '10.1.2.3:8080',
      node: 'node-1',
      restarts: 0,
      deleting: false,
      createdAtMs: Date.parse(at(0)),
      wasWarm: false,
    });
  });

  it('is the same whether times are texts or dates', () => {
    const texts = podObject({ startTime: at(1) }, { deletionTimestamp: at(2) });
    const dates = podObject(
      { startTime: new Date(at(1)) },
      { deletionTimestamp: new Date(at(2)), creationTimestamp: new Date(at(0)) },
    );
    expect(shown(dates)).toEqual(shown(texts));
    expect(shown(dates)).toMatchObject({ deleting: true, createdAtMs: Date.parse(at(0)) });
  });

  it('has an IPv6 address in brackets, and none before it has one', () => {
    expect(shown(podWithContainer({}, { podIP: 'fd00::7' })).address).toBe('[fd00::7]:8080');
    expect(shown(podObject())).not.toHaveProperty('address');
  });

  it('shows mark and last use', () => {
    const { annotations } = podObject().metadata!;
    const facts = { [ANNOTATION.condemned]: at(5), [ANNOTATION.lastUsedAt]: at(4) };
    expect(shown(podObject({}, { annotations: { ...annotations, ...facts } }))).toMatchObject({
      markedUntilMs: Date.parse(at(5)),
      lastUsedAtMs: Date.parse(at(4)),
    });
  });

  it('serves nobody, and can be claimed by nobody, when it contradicts itself', () => {
    const { labels } = podObject().metadata!;
    const pod = shown(podObject({}, { labels: { ...labels, [LABEL.generation]: '2' } }));
    expect(pod).toMatchObject({ template: '', templateHash: '', wasWarm: false });
    expect(pod).not.toHaveProperty('assignment');
  });

  it('is not put together from nothing', () => {
    expect(shown({})).toMatchObject({ name: '', uid: '', phase: 'starting', restarts: 0, createdAtMs: 0 });
  });

  it('looks at its own container, whatever else was put into the pod', () => {
    const sidecar = { name: 'proxy', restartCount: 4, started: true, state: RUNNING };
    const session = { name: 'session', restartCount: 0, started: false, state: RUNNING };
    expect(shown(podObject({ containerStatuses: [sidecar, session] }))).toMatchObject({
      phase: 'starting',
      restarts: 0,
    });
  });
});
