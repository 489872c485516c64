import { existsSync } from 'node:fs';

import { eventually } from '../support/eventually.js';
import {
  ApiClient,
  describeWithControlPlane,
  ownNamespace,
  startOwnControlPlane,
  type ControlPlane,
  type Json,
  type OwnNamespace,
} from '../support/kubernetes/index.js';
import { restrictedPod } from '../support/kubernetes/pods.js';

const LEASES = '/apis/coordination.k8s.io/v1';

describeWithControlPlane('a control plane of one’s own', () => {
  let controlPlane: ControlPlane;
  let admin: ApiClient;
  beforeAll(async () => {
    controlPlane = await startOwnControlPlane();
    admin = new ApiClient(controlPlane.kubeconfig('admin'));
  });
  afterAll(async () => {
    await admin.close();
    await controlPlane.stop();
    expect(existsSync(controlPlane.address.folder)).toBe(false);
  });

  const name = (): string => `n-${Math.random().toString(36).slice(2)}`;
  const make = async (): Promise<string> => {
    const own = name();
    await admin.call('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: own } } });
    return own;
  };

  it('is the Kubernetes that the pins name', async () => {
    await expect(admin.call('/version')).resolves.toMatchObject({ major: '1', minor: '36', gitVersion: 'v1.36.3' });
  });

  it('comes back with its data after it has been killed', async () => {
    const own = await make();
    await controlPlane.killApiServer();
    await expect(admin.call(`/api/v1/namespaces/${own}`)).rejects.toThrow();
    await controlPlane.startApiServer();
    await expect(admin.call(`/api/v1/namespaces/${own}`)).resolves.toMatchObject({ metadata: { name: own } });
  });

  it('answers nothing while it is paused, and goes on as if nothing had been', async () => {
    controlPlane.pauseApiServer();
    const asked = admin.call('/version', { signal: AbortSignal.timeout(200) });
    await expect(asked).rejects.toThrow('timeout');
    controlPlane.resumeApiServer();
    await expect(admin.call('/version')).resolves.toMatchObject({ major: '1' });
  });

  it('answers 410 to a page, and after a restart to a watch, that goes on from before a compaction', async () => {
    await make();
    const first = await admin.call<{ metadata: { resourceVersion: string; continue: string } }>(
      '/api/v1/namespaces?limit=1',
    );
    const old = first.metadata.resourceVersion;
    await make();
    await controlPlane.compact();
    await controlPlane.killApiServer();
    await controlPlane.startApiServer();
    const next = admin.call(`/api/v1/namespaces?limit=1&continue=${first.metadata.continue}`);
    await expect(next).rejects.toMatchObject({ status: 410, body: { reason: 'Expired' } });
    const watch = admin.text(`/api/v1/namespaces?watch=1&resourceVersion=${old}&timeoutSeconds=5`);
    expect(JSON.parse(await watch)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  });
});

describeWithControlPlane('a control plane with controllers', () => {
  it('keeps count of a quota and collects what has lost its owner', async () => {
    const controlPlane = await startOwnControlPlane({ controllerManager: true });
    const own = await ownNamespace({ controlPlane });
    const admin = new ApiClient(own.adminKubeconfig);
    const path = `/api/v1/namespaces/${own.name}`;
    const quota = { metadata: { name: 'few' }, spec: { hard: { pods: '1' } } };
    await admin.call(`${path}/resourcequotas`, { method: 'POST', body: quota });
    await eventually(async () => {
      const { status } = await admin.call(`${path}/resourcequotas/few`);
      expect(status).toMatchObject({ hard: { pods: '1' }, used: { pods: '0' } });
    }, 20_000);
    await admin.call(`${path}/pods`, { method: 'POST', body: restrictedPod('first') });
    const second = admin.call(`${path}/pods`, { method: 'POST', body: restrictedPod('second') });
    await expect(second).rejects.toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('exceeded quota') },
    });
    await admin.call(`${path}/resourcequotas/few`, { method: 'DELETE' });
    const gone = { apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: '6f1b2c1e-0000-4000-8000-000000000000' };
    const orphan = restrictedPod('orphan', { metadata: { ownerReferences: [gone] } });
    await eventually(() => admin.call(`${path}/pods`, { method: 'POST', body: orphan }));
    await eventually(async () => {
      await expect(admin.call(`${path}/pods/orphan`)).rejects.toMatchObject({ status: 404 });
    }, 20_000);
    await admin.close();
    await controlPlane.stop();
  }, 60_000);
});

describeWithControlPlane('a namespace of one’s own', () => {
  let own: OwnNamespace;
  let admin: ApiClient;
  let berth: ApiClient;
  beforeAll(async () => {
    own = await ownNamespace();
    admin = new ApiClient(own.adminKubeconfig);
    berth = new ApiClient(own.berthKubeconfig);
  });
  afterAll(async () => {
    await admin.close();
    await berth.close();
  });

  interface Question {
    verb: string;
    resource: string;
    subresource?: string;
    group?: string;
    name?: string;
    namespace?: string;
  }
  async function may(question: Question): Promise<boolean> {
    const review = { spec: { resourceAttributes: { namespace: own.name, ...question } } };
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const { status } = await berth.call<{ status: { allowed: boolean } }>(path, { method: 'POST', body: review });
    return status.allowed;
  }

  const group = 'coordination.k8s.io';
  const ours = { group, resource: 'leases', name: 'berth-leader' };
  const allowed: Question[] = [
    ...['create', 'get', 'list', 'watch', 'patch', 'delete'].map((verb) => ({ verb, resource: 'pods' })),
    { verb: 'get', resource: 'pods', subresource: 'log' },
    { verb: 'list', resource: 'events' },
    { verb: 'create', group, resource: 'leases' },
    ...['get', 'list', 'watch', 'update', 'patch'].map((verb) => ({ ...ours, verb })),
  ];
  const forbidden: Question[] = [
    ...['update', 'deletecollection'].map((verb) => ({ verb, resource: 'pods' })),
    { verb: 'create', resource: 'pods', subresource: 'exec' },
    { verb: 'get', resource: 'pods', subresource: 'exec' },
    { verb: 'create', resource: 'pods', subresource: 'portforward' },
    { verb: 'create', resource: 'pods', subresource: 'eviction' },
    { verb: 'create', resource: 'pods', subresource: 'binding' },
    { verb: 'patch', resource: 'pods', subresource: 'status' },
    { verb: 'patch', resource: 'pods', subresource: 'ephemeralcontainers' },
    { verb: 'create', resource: 'events' },
    { verb: 'watch', resource: 'events' },
    { ...ours, verb: 'delete' },
    { ...ours, verb: 'get', name: 'another' },
    { ...ours, verb: 'update', name: 'another' },
    { verb: 'list', group, resource: 'leases' },
    { verb: 'get', resource: 'secrets' },
    { verb: 'get', resource: 'configmaps' },
    { verb: 'get', resource: 'nodes', namespace: '' },
    { verb: 'list', resource: 'pods', namespace: '' },
    { verb: 'get', resource: 'pods', namespace: 'default' },
    { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'rolebindings' },
  ];
  const told = (question: Question): [string, Question] => [
    [question.verb, question.resource, question.subresource, question.name, question.namespace]
      .filter((word) => word !== undefined)
      .join(' '),
    question,
  ];

  it.each(allowed.map(told))('lets Berth %s', async (_, question) => {
    await expect(may(question)).resolves.toBe(true);
  });

  it.each(forbidden.map(told))('does not let Berth %s', async (_, question) => {
    await expect(may(question)).resolves.toBe(false);
  });

  it('lets Berth look for and watch its lease by name', async () => {
    const path = `${LEASES}/namespaces/${own.name}/leases`;
    const selector = 'fieldSelector=metadata.name%3Dberth-leader';
    await expect(berth.call(`${path}?${selector}`)).resolves.toMatchObject({ items: [] });
    await berth.call(path, { method: 'POST', body: { metadata: { name: 'berth-leader' }, spec: {} } });
    const watch = await berth.text(`${path}?watch=1&timeoutSeconds=1&${selector}`);
    expect(JSON.parse(watch.split('\n')[0]!)).toMatchObject({ type: 'ADDED' });
  });

  it('takes a restricted pod, without a service account, and refuses another', async () => {
    const path = `/api/v1/namespaces/${own.name}/pods`;
    const pod = await berth.call<{ spec: Json }>(path, { method: 'POST', body: restrictedPod('restricted') });
    expect(pod.spec).toMatchObject({ containers: [{ name: 'session' }] });
    expect(pod.spec).not.toHaveProperty('nodeName');
    const privileged = restrictedPod('privileged', { spec: { hostNetwork: true } });
    await expect(berth.call(path, { method: 'POST', body: privileged })).rejects.toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('violates PodSecurity "restricted') },
    });
  });

  it('holds pods to its limits', async () => {
    const path = `/api/v1/namespaces/${own.name}`;
    const limits = { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } };
    await admin.call(`${path}/limitranges`, { method: 'POST', body: { metadata: { name: 'small' }, ...limits } });
    const large = restrictedPod('large');
    Object.assign(large.spec.containers[0]!, { resources: { limits: { cpu: '2' } } });
    await eventually(async () => {
      const refusal = { status: 403, body: { message: expect.stringContaining('maximum cpu usage') } };
      const dryRun = berth.call(`${path}/pods?dryRun=All`, { method: 'POST', body: large });
      await expect(dryRun).rejects.toMatchObject(refusal);
    });
  });

  it('has every write to its pods and leases in the audit log', async () => {
    const { name: namespace, controlPlane } = own;
    await eventually(() => {
      const shown = controlPlane
        .auditEvents(namespace)
        .map(({ verb, user, objectRef, responseStatus }) =>
          [user.username, verb, objectRef!.resource, objectRef!.name, responseStatus?.code].join(' '),
        );
      expect(shown).toContain('berth create leases berth-leader 201');
      expect(shown).toContain('berth create pods restricted 201');
      expect(shown).toContain('berth create pods privileged 403');
    });
  });

  it('is gone when it has been removed', async () => {
    const other = await ownNamespace({ prefix: 'short' });
    expect(other.name).toMatch(/^short-/);
    const path = `/api/v1/namespaces/${other.name}`;
    await admin.call(`${path}/pods`, { method: 'POST', body: restrictedPod('left') });
    await other.remove();
    await expect(admin.call(path)).rejects.toMatchObject({ status: 404 });
  });
});
