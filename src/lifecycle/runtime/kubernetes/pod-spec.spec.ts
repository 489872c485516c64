import { plainTemplate } from '../../../../test/support/process-runtime.js';
import { sessionId } from '../../../../test/support/openings.js';
import type { Template } from '../../templates/template.js';
import { type PodSettings, podSpec } from './pod-spec.js';

const SETTINGS: PodSettings = {
  image: 'registry.example/session:1',
  cpuRequest: '100m',
  cpuLimit: '500m',
  memoryRequest: '128Mi',
  memoryLimit: '512Mi',
  startTimeoutMs: 120_000,
  logLevel: 'warn',
};
const SESSION = { id: sessionId('alpha'), env: {} };

function template(facts: Partial<Template> = {}): Template {
  return plainTemplate([], { command: undefined, ...facts });
}

function envOf(facts: Partial<Template>, session?: typeof SESSION, settings = SETTINGS): Record<string, string> {
  const { env } = podSpec(template(facts), settings, session).containers[0]!;
  return Object.fromEntries(env!.map(({ name, value }) => [name, value!]));
}

describe('the pod of a template', () => {
  it('is as restricted as a pod can be, and asks for no more than the settings say', () => {
    expect(podSpec(template(), SETTINGS, SESSION)).toEqual({
      restartPolicy: 'Always',
      enableServiceLinks: false,
      automountServiceAccountToken: false,
      tolerations: ['not-ready', 'unreachable'].map((state) => ({
        key: `node.kubernetes.io/${state}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 30,
      })),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        fsGroup: 1000,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
        sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
      },
      volumes: [{ name: 'berth-tmp', emptyDir: { sizeLimit: '1Gi' } }],
      containers: [
        {
          name: 'session',
          image: 'registry.example/session:1',
          env: [
            { name: 'LOG_LEVEL', value: 'warn' },
            { name: 'SESSION_ID', value: 'alpha' },
            { name: 'PORT', value: '8080' },
            { name: 'STATE_FILE_PATH', value: '/tmp/session-state.json' },
          ],
          ports: [{ containerPort: 8080 }],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '512Mi' } },
          volumeMounts: [{ name: 'berth-tmp', mountPath: '/tmp' }],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          startupProbe: {
            httpGet: { path: '/health', port: 8080 },
            timeoutSeconds: 5,
            periodSeconds: 1,
            failureThreshold: 300,
          },
          readinessProbe: { httpGet: { path: '/health', port: 8080 }, timeoutSeconds: 5, periodSeconds: 5 },
        },
      ],
    });
  });

  it('is what the template says', () => {
    const gpu = { requests: { 'nvidia.com/gpu': '1' }, limits: { 'nvidia.com/gpu': '1' } };
    const spec = podSpec(
      template({
        image: 'httpd:2.4',
        port: 80,
        healthPath: '/',
        command: ['httpd'],
        args: ['-DFOREGROUND'],
        resources: { ...gpu, claims: [{ name: 'card' }] },
        nodeSelector: { pool: 'gpu' },
        tolerations: [{ key: 'gpu', operator: 'Exists' }],
        runtimeClassName: 'gvisor',
        priorityClassName: 'batch',
        runAsUser: 33,
        serviceAccountName: 'reader',
        volumes: [{ name: 'models', persistentVolumeClaim: { claimName: 'models' } }],
        volumeMounts: [{ name: 'models', mountPath: '/models', readOnly: true }],
      }),
      SETTINGS,
    );
    expect(spec).toMatchObject({
      nodeSelector: { pool: 'gpu' },
      runtimeClassName: 'gvisor',
      priorityClassName: 'batch',
      serviceAccountName: 'reader',
      automountServiceAccountToken: false,
      securityContext: { runAsUser: 33, fsGroup: 33, runAsNonRoot: true },
      volumes: [{ name: 'berth-tmp' }, { name: 'models', persistentVolumeClaim: { claimName: 'models' } }],
    });
    expect(spec.tolerations).toHaveLength(3);
    expect(spec.containers[0]).toMatchObject({
      image: 'httpd:2.4',
      command: ['httpd'],
      args: ['-DFOREGROUND'],
      ports: [{ containerPort: 80 }],
      resources: {
        requests: { 'nvidia.com/gpu': '1', cpu: '100m', memory: '128Mi' },
        limits: { 'nvidia.com/gpu': '1', cpu: '500m', memory: '512Mi' },
        claims: [{ name: 'card' }],
      },
      volumeMounts: [{ name: 'berth-tmp' }, { name: 'models', mountPath: '/models', readOnly: true }],
      startupProbe: { httpGet: { path: '/', port: 80 } },
    });
  });

  it('has the service account of the settings where its template names none, and never its token', () => {
    const settings = { ...SETTINGS, serviceAccountName: 'sessions' };
    const byDefault = podSpec(template(), settings);
    expect(byDefault).toMatchObject({ serviceAccountName: 'sessions', automountServiceAccountToken: false });
    expect(podSpec(template({ serviceAccountName: 'reader' }), settings).serviceAccountName).toBe('reader');
  });

  it.each<[string, Template['resources'], object]>([
    [
      'a low limit lowers the request',
      { limits: { memory: '64Mi', cpu: '50m' } },
      { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '50m', memory: '64Mi' } },
    ],
    [
      'a high limit leaves the request',
      { limits: { memory: '2Gi' } },
      { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '2Gi' } },
    ],
    [
      'a high request raises the limit',
      { requests: { memory: '2Gi', cpu: '2' } },
      { requests: { cpu: '2', memory: '2Gi' }, limits: { cpu: '2', memory: '2Gi' } },
    ],
    [
      'what both say stands, also where it is wrong',
      { requests: { cpu: '2' }, limits: { cpu: '1' } },
      { requests: { cpu: '2', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
    ],
  ])('of resources: %s', (_, resources, expected) => {
    expect(podSpec(template({ resources }), SETTINGS).containers[0]!.resources).toEqual(expected);
  });

  it('names no session while it is warm', () => {
    expect(envOf({})).not.toHaveProperty('SESSION_ID');
  });

  it('takes from a client only what the template allows, and that over what the template says', () => {
    const env = { COLOUR: 'green', SHAPE: 'round' };
    expect(envOf({ env: { COLOUR: 'red' }, clientEnv: ['COLOUR'] }, { ...SESSION, env })).toEqual({
      LOG_LEVEL: 'warn',
      COLOUR: 'green',
      SESSION_ID: 'alpha',
      PORT: '8080',
      STATE_FILE_PATH: '/tmp/session-state.json',
    });
  });

  it('lets the template say another log level, and nobody another session or port', () => {
    const env = { LOG_LEVEL: 'debug', SESSION_ID: 'mine', PORT: '1' };
    const clientEnv = ['SESSION_ID', 'PORT'];
    expect(envOf({ env, clientEnv }, { ...SESSION, env: { PORT: '2', SESSION_ID: 'his' } })).toMatchObject({
      LOG_LEVEL: 'debug',
      SESSION_ID: 'alpha',
      PORT: '8080',
    });
    expect(envOf({}, SESSION, { ...SETTINGS, logLevel: undefined })).not.toHaveProperty('LOG_LEVEL');
  });

  it('keeps Kubernetes from putting other values in place of $(NAME)', () => {
    expect(envOf({ env: { A: '$(PORT)', B: 'pa$$word', C: 'plain' } })).toMatchObject({
      A: '$$(PORT)',
      B: 'pa$$$$word',
      C: 'plain',
    });
  });

  it('has the /tmp that the template mounts, and else one that is bounded by its ephemeral storage', () => {
    const volumes = [{ name: 'scratch', emptyDir: { medium: 'Memory' } }];
    const own = podSpec(template({ volumes, volumeMounts: [{ name: 'scratch', mountPath: '/tmp/' }] }), SETTINGS);
    expect(own.volumes).toEqual(volumes);
    expect(own.containers[0]!.volumeMounts).toEqual([{ name: 'scratch', mountPath: '/tmp/' }]);
    const resources = { limits: { 'ephemeral-storage': '5Gi' } };
    expect(podSpec(template({ resources }), SETTINGS).volumes![0]!.emptyDir).toEqual({ sizeLimit: '5Gi' });
  });

  it('waits for a lost node as long as the template says', () => {
    const own = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', tolerationSeconds: 600 };
    const { tolerations } = podSpec(template({ tolerations: [own] }), SETTINGS);
    expect(tolerations!.map(({ key, tolerationSeconds }) => [key, tolerationSeconds])).toEqual([
      ['node.kubernetes.io/not-ready', 30],
      ['node.kubernetes.io/unreachable', 600],
    ]);
  });
});
