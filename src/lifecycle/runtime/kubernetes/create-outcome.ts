import type { KubernetesError } from '../../../platform/kubernetes/kubernetes-errors.js';
import { PodHeldBack, PodRefused, RuntimeUnavailable } from '../../lifecycle.errors.js';
import { withoutAddresses } from '../../../platform/plain-words.js';

const SUBJECT = /^pods? "[^"]*" is (?:forbidden|invalid): /i;

/** `exists`: look whose it is. `again`: two changes met; the same call may go through now. */
export type CreateOutcome = 'exists' | 'again' | PodRefused | PodHeldBack | RuntimeUnavailable;

/** What it means that a pod was not made. Without a status nothing is known: it may have been made all the same. */
export function outcomeOfCreate(error: KubernetesError): CreateOutcome {
  const { status, reason, message } = error;
  if (status === 409) return reason === 'AlreadyExists' ? 'exists' : 'again';
  if (isDenial(error)) return new PodRefused('AdmissionDenied', refusalWords(message), { cause: error });
  if (status === 403) return outcomeOfForbidden(error);
  if (status === 400 || status === 413 || status === 422) {
    return new PodRefused('Invalid', refusalWords(message), { cause: error });
  }
  return unavailable('make a pod', error);
}

/** 403 is also said by admission, in words alone. */
function outcomeOfForbidden(error: KubernetesError): CreateOutcome {
  const { message } = error;
  if (message.includes('exceeded quota:'))
    return new PodHeldBack('QuotaExceeded', refusalWords(message), { cause: error });
  // A new quota is counted a moment later, and a new namespace gets its service accounts then.
  if (message.includes('status unknown for quota:')) {
    return new PodHeldBack('QuotaUnknown', refusalWords(message), { cause: error });
  }
  if (message.includes('error looking up service account')) {
    return new PodHeldBack('ServiceAccountMissing', refusalWords(message), { cause: error });
  }
  if (isAboutUs(error)) return unavailable('make a pod', error);
  return new PodRefused('AdmissionDenied', refusalWords(message), { cause: error });
}

/** A webhook or policy that says no, with whatever status. One that cannot be asked is an outage (500). */
function isDenial({ status = 0, message }: KubernetesError): boolean {
  return (
    status >= 400 &&
    status < 500 &&
    /(?:admission webhook|ValidatingAdmissionPolicy) .* denied (?:the )?request/s.test(message)
  );
}

/** Not the pod is refused: Berth may not make any (RBAC), or the namespace is going. */
function isAboutUs({ message, details }: KubernetesError): boolean {
  const isLeaving = details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
  return isLeaving || /User "[^"]*" cannot |is not allowed to /.test(message);
}

/** What it means that a pod could not be read, changed or deleted. Only 404 of that very pod is absence; or it throws. */
export function outcomeOfChange(error: KubernetesError, wish: string): 'changed' | 'absent' {
  if (error.status === 409 || isAnother(error)) return 'changed';
  if (error.status === 404 && error.details?.kind === 'pods') return 'absent';
  throw unavailable(wish, error);
}

/** A patch that names another uid would change what cannot be changed, and is refused like that. */
function isAnother({ status, details }: KubernetesError): boolean {
  return status === 422 && (details?.causes?.some(({ field }) => field === 'metadata.uid') ?? false);
}

export function unavailable(wish: string, error: KubernetesError): RuntimeUnavailable {
  const why = error.status === undefined ? 'did not answer' : `answered ${error.status}`;
  return new RuntimeUnavailable(`Kubernetes could not be asked to ${wish}: it ${why}.`, { cause: error });
}

/** The API server's sentence without what the client did not name: `pods "berth-…" is forbidden: `. */
export function refusalWords(message: string): string {
  return withoutAddresses(message.replace(SUBJECT, ''));
}
