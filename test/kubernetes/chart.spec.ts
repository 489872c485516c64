import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { parse, parseAllDocuments } from 'yaml';

import { eventually } from '../support/eventually.js';
import { describeWithHelm, helm } from '../support/helm.js';
import { ApiClient, sharedControlPlane } from '../support/kubernetes/index.js';

/** Every object that the chart can make, in the words of a real API server: would it take them? */
const ROOT = join(__dirname, '..', '..');
const NAMESPACE = 'chart-dry-run';
const RENDERED_MS = 60_000;
/** Fetching the modules of the definitions for the first time. */
const DEFINED_MS = 300_000;

interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

const run = async (program: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(program, args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })).stdout.trim();

const objectsOf = (text: string): KubernetesObject[] =>
  parseAllDocuments(text).flatMap((document) => (document.toJSON() as KubernetesObject | null) ?? []);

/** Everything that is off by default. */
const ALL_OPTIONS = Object.entries({
  'ingress.enabled': true,
  'ingress.tlsSecret': 'edge',
  'httpRoute.enabled': true,
  'httpRoute.parentRefs[0].name': 'gateway',
  'tls.certificate.enabled': true,
  'tls.certificate.issuerRef.name': 'authority',
  'externalSecret.enabled': true,
  'externalSecret.storeRef.name': 'store',
  'monitoring.podMonitor.enabled': true,
  'priorityClasses.create': true,
  'sessions.networkPolicy.egress.python.internet': true,
  'templates.python.port': 8888,
}).flatMap(([path, value]) => ['--set', `${path}=${value}`]);

/** Everything from Vault, so that no Secret is made and none is read. */
const WITH_VAULT = Object.entries({
  'vault.address': 'https://vault.vault.svc:8200',
  'vault.caConfigMap': 'vault-ca',
  'vault.namespace': 'team',
  'vault.pki.role': 'berth',
  'vault.pki.dnsNames[0]': 'berth.example.com',
  'vault.pki.ttlSeconds': 86400,
  'vault.to[0].namespaceSelector.matchLabels.name': 'vault',
  'redis.enabled': false,
  'redis.external.host': 'redis.data.svc',
}).flatMap(([path, value]) => ['--set', `${path}=${value}`]);

describeWithHelm('the objects of the chart', () => {
  let api: ApiClient;

  beforeAll(async () => {
    api = new ApiClient(sharedControlPlane().kubeconfig('admin'));
    for (const file of (await run('scripts/optional-definitions')).split('\n')) await define(file);
    for (const name of [NAMESPACE, 'berth', 'berth-sessions'])
      await put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, '');
  }, DEFINED_MS);
  afterAll(() => api?.close());

  async function define(file: string): Promise<void> {
    const definition = parse(readFileSync(file, 'utf8')) as KubernetesObject & {
      spec: { group: string; names: { plural: string }; versions: { name: string; storage: boolean }[] };
    };
    await put(definition, '');
    const { group, names, versions } = definition.spec;
    const version = versions.find(({ storage }) => storage)!.name;
    await eventually(() => api.call(`/apis/${group}/${version}/${names.plural}`), RENDERED_MS);
  }

  /** Server-side apply, as `kubectl apply --server-side` does it. */
  async function put(object: KubernetesObject, dryRun = '&dryRun=All'): Promise<void> {
    const path = `${await collectionOf(object)}/${object.metadata.name}?fieldManager=test&force=true&fieldValidation=Strict${dryRun}`;
    await api.call(path, { method: 'PATCH', contentType: 'application/apply-patch+yaml', body: object });
  }

  async function collectionOf({ apiVersion, kind, metadata }: KubernetesObject): Promise<string> {
    const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const { resources } = await api.call<{ resources: { kind: string; name: string; namespaced: boolean }[] }>(group);
    const resource = resources.find(({ kind: one, name }) => one === kind && !name.includes('/'));
    if (!resource) throw new Error(`the API server knows no ${kind} of ${apiVersion}`);
    return resource.namespaced
      ? `${group}/namespaces/${metadata.namespace ?? NAMESPACE}/${resource.name}`
      : `${group}/${resource.name}`;
  }

  async function rendered(args: readonly string[]): Promise<KubernetesObject[]> {
    const text = await run(helm!, 'template', 'berth', 'helm/berth', '--namespace', NAMESPACE, ...args);
    return objectsOf(text);
  }

  it.each([
    ['by default', []],
    ['for dev', ['--values', 'helm/berth/values-dev.yaml']],
    ['for staging', ['--values', 'helm/berth/values-production.yaml', '--values', 'helm/berth/values-staging.yaml']],
    ['for production', ['--values', 'helm/berth/values-production.yaml']],
    ['with every option', ALL_OPTIONS],
    ['with its secrets in Vault', WITH_VAULT],
  ])(
    'are taken by an API server that is strict about fields, %s',
    async (_, args) => {
      const objects = await rendered(args);
      expect(objects.length).toBeGreaterThan(15);
      const refused: string[] = [];
      for (const object of objects)
        await put(object).catch((error: Error) =>
          refused.push(`${object.kind} ${object.metadata.name}: ${error.message}`),
        );
      expect(refused).toEqual([]);
    },
    RENDERED_MS,
  );

  it(
    'are applied without Helm as they stand in the file, each in the namespace that it names',
    async () => {
      const file = readFileSync(join(ROOT, 'k8s', 'berth.yaml'), 'utf8');
      const objects = objectsOf(file);
      const unnamed = objects.filter(({ kind, metadata }) => kind !== 'Namespace' && !metadata.namespace);
      expect(unnamed.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
      expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(
        new Set([undefined, 'berth', 'berth-sessions']),
      );
      for (const object of objects) await put(object);
    },
    RENDERED_MS,
  );

  it('are pods of one registry and of the same nodes, those of Redis and of the tests too', async () => {
    const placed = ['--set', 'image.pullSecrets[0]=pull,nodeSelector.pool=berth,tolerations[0].key=berth'];
    const objects = (await rendered(placed)) as (KubernetesObject & { spec?: { template?: { spec: object } } })[];
    const pods = objects.flatMap(({ kind, spec }) => (kind === 'Pod' ? [spec] : (spec?.template?.spec ?? [])));
    expect(pods).toHaveLength(4);
    for (const pod of pods)
      expect(pod).toMatchObject({
        imagePullSecrets: [{ name: 'pull' }],
        nodeSelector: { pool: 'berth' },
        tolerations: [{ key: 'berth' }],
      });
  });

  it.each([
    ['settings.AUTH_JWKS_URL=https://keys.example', 'AUTH_ISSUER'],
    ['settings.MAX_CONCURRENT_SESSIONS=5000', 'sessions.quota.pods'],
    ['tls.certificate.enabled=true,tls.certificate.serviceNames=false', 'tls.certificate.dnsNames'],
    ['redis.enabled=false,redis.external.host=redis,redis.external.caSecret=ca', 'redis.external.tls'],
    ['preStopSeconds=0', 'preStopSeconds'],
  ])('are not made with %s alone, and it says why', async (values, named) => {
    await expect(rendered(['--set', values])).rejects.toThrow(named);
  });

  it('let session pods out to public addresses of IPv4 only, unless prefixes of IPv6 are named', async () => {
    const open = ['--set', 'sessions.networkPolicy.egress.sessions.internet=true'];
    const blocks = async (...more: string[]): Promise<string[]> =>
      JSON.stringify(await rendered([...open, ...more])).match(/(?<="cidr":")[^"]+/g) ?? [];
    expect(new Set(await blocks())).toEqual(new Set(['169.254.20.10/32', '0.0.0.0/0']));
    expect(await blocks('--set', 'sessions.networkPolicy.internetPrefixes6[0]=2600::/12')).toContain('2600::/12');
    const names = (await rendered(open)).map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it('hold no secret and read none where all comes from Vault', async () => {
    const objects = await rendered(WITH_VAULT);
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    expect(JSON.stringify(objects)).not.toMatch(/secretKeyRef|secretName/);
    const [berth] = objects.filter(({ kind }) => kind === 'Deployment');
    expect(JSON.stringify(berth)).toMatch(/"serviceAccountToken":\{[^}]*"audience":"vault"/);
  });
});
