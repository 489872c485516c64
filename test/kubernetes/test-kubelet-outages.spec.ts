import { request } from 'undici';

import { eventually } from '../support/eventually.js';
import {
  describeWithControlPlane,
  ownNamespace,
  PodsByHand,
  startOwnControlPlane,
  startTestKubelet,
  type ControlPlane,
  type OwnNamespace,
  type TestKubelet,
} from '../support/kubernetes/index.js';
import { conditionsOf } from '../support/kubernetes/pods-by-hand.js';
import { isRunning } from '../support/kubernetes/guarded.js';

const status = async (url: string): Promise<number> => {
  const { statusCode, body } = await request(url, { headersTimeout: 300 });
  await body.dump();
  return statusCode;
};

describeWithControlPlane('the test kubelet without an API server', () => {
  it('keeps its pods running, restarts them, and tells of it afterwards', async () => {
    const controlPlane: ControlPlane = await startOwnControlPlane();
    const own = await ownNamespace({ controlPlane });
    const pods = new PodsByHand(own);
    const kubelet = await startTestKubelet(own);
    const name = await pods.makeReady();
    await controlPlane.killApiServer();
    kubelet.kill(name);
    await eventually(() => expect(kubelet.pods()).toMatchObject([{ restarts: 1, isReady: true }]), 10_000);
    await controlPlane.startApiServer();
    await pods.shown(name, { containerStatuses: [{ restartCount: 1, ready: true }] });
    await pods.makeReady();
    await pods.delete(name);
    await pods.gone(name);
    await kubelet.stop();
    await pods.close();
    await controlPlane.stop();
  }, 60_000);
});

describeWithControlPlane('a lost node', () => {
  let own: OwnNamespace;
  let pods: PodsByHand;
  let kubelet: TestKubelet;
  beforeEach(async () => {
    own = await ownNamespace();
    pods = new PodsByHand(own);
    kubelet = await startTestKubelet(own);
  });
  afterEach(async () => {
    await kubelet.stop();
    await pods.close();
    await own.remove();
  });

  it('leaves a deleted pod Terminating, and ends it once it is found again', async () => {
    const name = await pods.makeReady();
    const { pid, address } = kubelet.pods()[0]!;
    await kubelet.loseNode('go on');
    await pods.delete(name);
    const terminating = await pods.get(name);
    expect(terminating.metadata.deletionTimestamp).toBeDefined();
    expect(conditionsOf(terminating)).toMatchObject({ Ready: 'True' });
    await expect(status(`http://${address}:8080/health`)).resolves.toBe(200);
    expect(isRunning(pid!)).toBe(true);
    kubelet.findNode();
    await pods.gone(name);
    expect(isRunning(pid!)).toBe(false);
  });

  it('can hang, and go on where it was', async () => {
    const name = await pods.makeReady();
    const { address } = kubelet.pods()[0]!;
    await kubelet.loseNode('freeze');
    await expect(status(`http://${address}:8080/health`)).rejects.toThrow('Timeout');
    kubelet.findNode();
    await eventually(async () => expect(await status(`http://${address}:8080/health`)).toBe(200));
    await pods.shown(name, { containerStatuses: [{ restartCount: 0, ready: true }] });
  });

  it('can have lost its processes, which it starts again once it is found', async () => {
    const name = await pods.makeReady();
    const { address } = kubelet.pods()[0]!;
    await kubelet.loseNode('die');
    await eventually(() => expect(status(`http://${address}:8080/health`)).rejects.toThrow('ECONNREFUSED'));
    await pods.shown(name, { phase: 'Running', containerStatuses: [{ restartCount: 0, ready: true }] });
    kubelet.findNode();
    await pods.shown(name, { containerStatuses: [{ restartCount: 1, ready: true }] });
  });

  it('leaves new pods to another', async () => {
    await kubelet.loseNode('die');
    const other = await startTestKubelet(own);
    const name = await pods.make();
    expect((await pods.ready(name)).spec.nodeName).toBe(other.nodeName);
    kubelet.findNode();
    await pods.delete(name);
    await pods.gone(name);
    await other.stop();
  });

  it('gives no logs', async () => {
    const name = await pods.makeReady();
    await kubelet.loseNode('go on');
    await expect(pods.berth.text(`${pods.path(name)}/log`)).rejects.toMatchObject({ status: 500 });
  });
});
