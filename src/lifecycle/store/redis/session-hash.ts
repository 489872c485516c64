import type { Env, Session } from '../../session.js';
import type { SessionId } from '../../session-id.js';
import type { SessionState } from '../../session-states.js';
import type { Draft } from '../record-rules.js';
import type { Moved } from '../session-store.js';

/**
 * A record as the hash `session:<id>` holds it: flat, so that a person can read it, times in milliseconds since 1970.
 * What is added by a later version stays in the hash, whoever writes it next.
 */
const TEXTS = ['schema', 'id', 'owner', 'state', 'template', 'env', 'endedBy'] as const;
/** A small hash is read from its front, so what every heartbeat reads and writes is written first. */
export const AT_THE_FRONT = [
  ...(['lastUsedAtMs', 'requests', 'version', 'dueAtMs', 'state', 'generation', 'podUid'] as const),
  ...(['idleTimeoutMs', 'maxLifetimeMs', 'openedAtMs', 'readyAtMs', 'startDeadlineAtMs'] as const),
] as const;
const POD_TEXTS = ['podName', 'podUid', 'podAddress', 'podNode'] as const;
const FAILURE_TEXTS = ['lastFailureReason', 'lastFailureMessage'] as const;
/** Without these it is no record. */
export const NEEDED_NUMBERS = [
  ...(['generation', 'opening', 'version', 'idleTimeoutMs', 'maxLifetimeMs', 'openedAtMs'] as const),
  ...(['lastUsedAtMs', 'requests', 'heals', 'crashes', 'failures'] as const),
] as const;
const OTHER_NUMBERS = [
  ...(['dueAtMs', 'readyAtMs', 'startDeadlineAtMs', 'startNotBeforeMs', 'triedAtMs'] as const),
  ...(['lastFailureAtMs', 'retryAtMs', 'forgetAtMs', 'endedOpening'] as const),
] as const;

export const NUMBERS = [...NEEDED_NUMBERS, ...OTHER_NUMBERS] as const;
export const FIELDS = [...TEXTS, ...POD_TEXTS, ...FAILURE_TEXTS, ...NUMBERS] as const;
/** Of the schema that this version writes. */
export const SCHEMA = '1';

type Field = (typeof FIELDS)[number];
export type Hash = Readonly<Partial<Record<Field, string | number>>>;

/** From what a script answers: the hash as JSON. */
export function sessionOf(json: string): Session {
  return sessionOfHash(JSON.parse(json) as Hash);
}

/** What a script says is true where its compare failed. */
export function moved(json: unknown): Moved {
  return { moved: json === null ? undefined : sessionOf(json as string) };
}

export function sessionOfHash(hash: Hash): Session {
  return {
    id: text(hash, 'id') as SessionId,
    owner: text(hash, 'owner'),
    state: text(hash, 'state') as SessionState,
    template: text(hash, 'template'),
    env: JSON.parse(text(hash, 'env')) as Env,
    ...neededNumbers(hash),
    ...podOf(hash),
    ...failureOf(hash),
    ...givenNumbers(hash),
    ...(hash.endedBy === undefined ? {} : { endedBy: hash.endedBy as Session['endedBy'] }),
  };
}

function neededNumbers(hash: Hash): Pick<Session, (typeof NEEDED_NUMBERS)[number]> {
  const entries = NEEDED_NUMBERS.map((field) => [field, Number(hash[field])] as const);
  return Object.fromEntries(entries) as Record<(typeof NEEDED_NUMBERS)[number], number>;
}

function givenNumbers(hash: Hash): Partial<Session> {
  const given = OTHER_NUMBERS.filter((field) => field !== 'lastFailureAtMs' && hash[field] !== undefined);
  return Object.fromEntries(given.map((field) => [field, Number(hash[field])]));
}

function podOf(hash: Hash): Pick<Session, 'pod'> {
  if (hash.podUid === undefined) return {};
  const pod = { name: text(hash, 'podName'), uid: text(hash, 'podUid') };
  return {
    pod: {
      ...pod,
      ...(hash.podAddress === undefined ? {} : { address: text(hash, 'podAddress') }),
      ...(hash.podNode === undefined ? {} : { node: text(hash, 'podNode') }),
    },
  };
}

function failureOf(hash: Hash): Pick<Session, 'lastFailure'> {
  if (hash.lastFailureReason === undefined) return {};
  const [reason, message] = [text(hash, 'lastFailureReason'), text(hash, 'lastFailureMessage')];
  return { lastFailure: { reason, message, atMs: Number(hash.lastFailureAtMs) } };
}

function text(hash: Hash, field: Field): string {
  return String(hash[field] ?? '');
}

/** What a record that a pod bears witness to says; its use and its deadline are the store's to say. */
export function hashOfImported({ pod, env, ...draft }: Draft): Hash {
  const { id, owner, state, template, readyAtMs } = draft;
  const numbers = NEEDED_NUMBERS.filter((field) => field !== 'version').map((field) => [field, draft[field]] as const);
  return {
    ...{ id, owner, state, template, readyAtMs, env: envText(env) },
    ...(Object.fromEntries(numbers) as Hash),
    ...{ podName: pod?.name, podUid: pod?.uid, podAddress: pod?.address, podNode: pod?.node },
  };
}

/** The same environment is the same text, so that a script can compare it. */
export function envText(env: Env): string {
  return JSON.stringify(Object.fromEntries(Object.entries(env).sort(([one], [other]) => (one < other ? -1 : 1))));
}
