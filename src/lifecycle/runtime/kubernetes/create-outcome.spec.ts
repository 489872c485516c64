import { KubernetesError, type KubernetesErrorFacts } from '../../../platform/kubernetes/kubernetes-errors.js';
import { PodHeldBack, PodRefused, RuntimeUnavailable } from '../../lifecycle.errors.js';
import { outcomeOfChange, outcomeOfCreate, refusalWords } from './create-outcome.js';

const NAME = 'berth-00112233445566778899aabbccddeeff-1';
const RBAC = `pods is forbidden: User "berth" cannot create resource "pods" in API group "" in the namespace "sessions"`;
const QUOTA = 'exceeded quota: sessions, requested: pods=1, used: pods=10, limited: pods=10';
const SECURITY = 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false';
const WEBHOOK_AWAY =
  'Internal error occurred: failed calling webhook "w.example": failed to call webhook: Post "https://w.svc:443/": EOF';
const SERVICE_ACCOUNT = 'error looking up service account sessions/reader: serviceaccount "reader" not found';
const TERMINATING = 'unable to create new content in namespace sessions because it is being terminated';
const LEAVING = { causes: [{ reason: 'NamespaceTerminating', message: 'namespace sessions is being terminated' }] };
const REFUSED_BY_HOOK = 'admission webhook "policy.example" denied the request: image is not signed';

function error(status: number | undefined, message: string, facts: KubernetesErrorFacts = {}): KubernetesError {
  return new KubernetesError(message, { status, ...facts });
}

function forbidden(message: string, facts: KubernetesErrorFacts = {}): KubernetesError {
  return error(403, `pods "${NAME}" is forbidden: ${message}`, { reason: 'Forbidden', ...facts });
}

describe('a pod that was not made', () => {
  it('is there already, or asked for again', () => {
    expect(outcomeOfCreate(error(409, 'pods "x" already exists', { reason: 'AlreadyExists' }))).toBe('exists');
    const quotaRace = 'Operation cannot be fulfilled on resourcequotas "q": the object has been modified';
    expect(outcomeOfCreate(error(409, quotaRace, { reason: 'Conflict' }))).toBe('again');
  });

  it.each([
    ['a full quota', forbidden(QUOTA), 'QuotaExceeded', QUOTA],
    [
      'a quota that is not counted yet',
      forbidden('status unknown for quota: q, resources: pods'),
      'QuotaUnknown',
      'status unknown for quota: q, resources: pods',
    ],
    ['a service account that is not there', forbidden(SERVICE_ACCOUNT), 'ServiceAccountMissing', SERVICE_ACCOUNT],
  ])('is held back by %s', (_, cause, reason, message) => {
    const outcome = outcomeOfCreate(cause);
    expect(outcome).toBeInstanceOf(PodHeldBack);
    expect(outcome).toMatchObject({ reason, message, cause });
  });

  it.each([
    ['Pod Security', forbidden(SECURITY), 'AdmissionDenied', SECURITY],
    ['a LimitRange', forbidden('maximum cpu usage per Container is 1'), 'AdmissionDenied', /^maximum cpu usage/],
    [
      'a quota that asks for limits',
      forbidden('failed quota: q: must specify limits.cpu'),
      'AdmissionDenied',
      /^failed quota/,
    ],
    ['a webhook', error(403, REFUSED_BY_HOOK), 'AdmissionDenied', REFUSED_BY_HOOK],
    ['a webhook with a status of its own', error(429, REFUSED_BY_HOOK), 'AdmissionDenied', REFUSED_BY_HOOK],
    [
      'a policy',
      error(422, `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`),
      'AdmissionDenied',
      /^ValidatingAdmissionPolicy/,
    ],
    [
      'its definition',
      error(422, `Pod "${NAME}" is invalid: spec.containers[0].volumeMounts[1].name: Not found: "x"`, {
        reason: 'Invalid',
      }),
      'Invalid',
      /^spec\.containers\[0\]\.volumeMounts\[1\]\.name: Not found: "x"$/,
    ],
    [
      'a field that does not exist',
      error(400, 'strict decoding error: unknown field "spec.volumes[1].x"'),
      'Invalid',
      /unknown field/,
    ],
    ['its size', error(413, 'Request entity too large'), 'Invalid', /too large/],
  ])('is refused because of %s', (_, cause, reason, message) => {
    const outcome = outcomeOfCreate(cause);
    expect(outcome).toBeInstanceOf(PodRefused);
    expect(outcome).toMatchObject({ reason, cause, message: expect.stringMatching(message) });
  });

  it.each([
    ['Berth may not make pods', error(403, RBAC, { reason: 'Forbidden', details: { kind: 'pods' } })],
    ['the namespace is going', error(403, TERMINATING, { details: LEAVING })],
    ['Berth is not known', error(401, 'Unauthorized')],
    ['there is no such namespace', error(404, 'namespaces "sessions" not found', { details: { kind: 'namespaces' } })],
    ['the server is busy', error(429, 'Too many requests')],
    ['a webhook cannot be asked', error(500, WEBHOOK_AWAY, { reason: 'InternalError' })],
    ['the server is going', error(503, 'apiserver is shutting down')],
    ['the server timed out', error(504, 'Timeout')],
    [
      'there was no answer',
      error(undefined, 'The Kubernetes API server could not be asked: ECONNREFUSED 10.0.0.1:6443'),
    ],
  ])('is unknown when %s, and only the cause says more', (_, cause) => {
    const outcome = outcomeOfCreate(cause) as RuntimeUnavailable;
    expect(outcome).toBeInstanceOf(RuntimeUnavailable);
    expect(outcome.cause).toBe(cause);
    expect(outcome.message).toMatch(
      /^Kubernetes could not be asked to make a pod: it (did not answer|answered \d+)\.$/,
    );
  });
});

describe('a pod that was not changed', () => {
  it('is another, or absent where the server says so of that very pod', () => {
    expect(outcomeOfChange(error(409, 'the object has been modified'), 'change')).toBe('changed');
    const immutable = { causes: [{ field: 'metadata.uid', message: 'field is immutable' }] };
    expect(outcomeOfChange(error(422, 'Pod "x" is invalid', { details: immutable }), 'change')).toBe('changed');
    expect(outcomeOfChange(error(404, 'pods "x" not found', { details: { kind: 'pods' } }), 'change')).toBe('absent');
  });

  it.each([
    error(404, 'namespaces "x" not found', { details: { kind: 'namespaces' } }),
    error(404, '404 page not found'),
    error(403, RBAC),
    error(422, 'Pod "x" is invalid', { details: { causes: [{ field: 'metadata.annotations' }] } }),
    error(500, WEBHOOK_AWAY),
    error(undefined, 'no answer'),
  ])('is not known to be absent by %s', (cause) => {
    expect(() => outcomeOfChange(cause, 'change a pod')).toThrow(RuntimeUnavailable);
  });
});

describe('a refusal of the API server, for clients', () => {
  it.each([
    ['pods "berth-1" is forbidden: exceeded quota: q', 'exceeded quota: q'],
    ['Pod "berth-1" is invalid: spec.volumes: x', 'spec.volumes: x'],
    ['admission webhook "w" denied the request: no', 'admission webhook "w" denied the request: no'],
  ])('leaves out what the client did not name: %s', (text, plain) => {
    expect(refusalWords(text)).toBe(plain);
  });
});
