import { KubernetesClient } from '../../src/platform/kubernetes/kubernetes-client.js';
import { asKubernetesError, type KubernetesError } from '../../src/platform/kubernetes/kubernetes-errors.js';
import { ApiProxy, describeWithControlPlane, ownNamespace, type OwnNamespace } from '../support/kubernetes/index.js';

describeWithControlPlane('the Kubernetes client and a real API server', () => {
  let namespace: OwnNamespace;
  let proxy: ApiProxy;
  const open: KubernetesClient[] = [];

  beforeAll(async () => {
    namespace = await ownNamespace({ prefix: 'client' });
    proxy = await ApiProxy.to(namespace.controlPlane);
  });
  afterEach(async () => {
    proxy.set('pass');
    await Promise.all(open.splice(0).map((client) => client.close()));
  });
  afterAll(async () => {
    await proxy.close();
    await namespace.remove();
  });

  const pods = (): string => `/api/v1/namespaces/${namespace.name}/pods`;
  const load = (options: object = {}): KubernetesClient => {
    const kubeconfigPath = namespace.controlPlane.kubeconfig('berth', { server: proxy.address });
    const client = KubernetesClient.load({ kubeconfigPath, namespace: namespace.name, ...options });
    open.push(client);
    return client;
  };
  const failure = async (call: Promise<unknown>): Promise<KubernetesError> =>
    asKubernetesError(
      await call.then(
        () => Promise.reject(new Error('it did not fail')),
        (error: unknown) => error,
      ),
    );

  it('make a few connections for many calls, one after the other and at once', async () => {
    const client = load({ connections: 4 });
    const before = proxy.connections;
    for (let call = 0; call < 100; call++) await client.read(pods());
    await Promise.all(Array.from({ length: 100 }, () => client.read(pods())));
    expect(proxy.connections - before).toBeLessThanOrEqual(4);
  });

  it('use for calls none of the connections that watches hold', async () => {
    const client = load({ connections: 1 });
    const end = new AbortController();
    for (let watch = 0; watch < 3; watch++)
      (await client.raw(pods(), { watch: true }, end.signal)).on('error', () => undefined);
    expect(await client.read(pods())).toMatchObject({ kind: 'PodList' });
    end.abort();
  });

  it('tell what is not there from what is not allowed', async () => {
    const client = load();
    const absent = await failure(client.read(`${pods()}/nobody`));
    expect(absent).toMatchObject({ status: 404, reason: 'NotFound', message: 'pods "nobody" not found' });
    expect(absent.details).toMatchObject({ name: 'nobody', kind: 'pods' });
    const forbidden = await failure(client.read('/api/v1/namespaces/kube-system/pods'));
    expect(forbidden).toMatchObject({ status: 403, reason: 'Forbidden' });
    expect(forbidden.message).toContain('cannot list resource "pods"');
  });

  it('say what is wrong with an object', async () => {
    const error = await failure(load().write(pods(), { method: 'POST', body: { metadata: { name: 'No Name' } } }));
    expect(error).toMatchObject({ status: 422, reason: 'Invalid' });
    expect(error.message).toContain('metadata.name');
    expect(error.details?.causes?.length).toBeGreaterThan(0);
  });

  it.each(['stall', 'cut', 'swallow'] as const)(
    'leave nothing but "unknown" when the way does this: %s',
    async (mode) => {
      const client = load({ deadlineMs: 500 });
      await client.read(pods());
      proxy.set(mode);
      const error = await failure(client.read(pods()));
      expect(error.status).toBeUndefined();
      proxy.set('pass');
      expect(await client.read(pods())).toMatchObject({ kind: 'PodList' });
    },
  );
});
