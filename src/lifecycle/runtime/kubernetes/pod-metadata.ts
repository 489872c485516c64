import { z } from 'zod';

import type { PodAssignment } from '../pod.js';
import { podName, sessionHash } from '../pod-name.js';
import { isSessionId } from '../../session-id.js';
import type { Timeouts } from '../../session.js';
import type { Template } from '../../templates/template.js';
import type { PodObjectMetadata } from './pod-object.js';

/**
 * What a pod says of itself, in labels (to be selected by) and annotations (to be believed). The session's record can be
 * rebuilt from these alone. Whoever changes the meaning of one raises SCHEMA; what a newer Berth added is kept, since
 * every change is a merge patch that names only what it changes.
 */
export const LABEL = {
  managedBy: 'app.kubernetes.io/managed-by',
  session: 'berth.dev/session',
  sessionId: 'session-id',
  generation: 'berth.dev/generation',
  template: 'berth.dev/template',
  templateHash: 'berth.dev/template-hash',
} as const;

export const ANNOTATION = {
  schema: 'berth.dev/schema',
  sessionId: 'berth.dev/session-id',
  owner: 'berth.dev/owner',
  generation: 'berth.dev/generation',
  opening: 'berth.dev/opening',
  template: 'berth.dev/template',
  env: 'berth.dev/env',
  idleTimeoutMs: 'berth.dev/idle-timeout-ms',
  maxLifetimeMs: 'berth.dev/max-lifetime-ms',
  openedAt: 'berth.dev/opened-at',
  lastUsedAt: 'berth.dev/last-used-at',
  /** The mark: not to be deleted before this time. */
  condemned: 'berth.dev/condemned',
  wasWarm: 'berth.dev/was-warm',
  doNotDisrupt: 'karpenter.sh/do-not-disrupt',
} as const;

export const MANAGER = 'berth';
export const OURS = `${LABEL.managedBy}=${MANAGER}`;
const SCHEMA = '1';
const WARM_NAME = 'berth-warm-';
const LATEST_MS = 8.64e15;

type Texts = Record<string, string>;
export interface Metadata {
  labels: Texts;
  annotations: Texts;
}

/** Of every pod, warm or cold. */
export function templateMetadata({ name, hash }: Template): Metadata {
  return {
    labels: { [LABEL.managedBy]: MANAGER, [LABEL.template]: name, [LABEL.templateHash]: hash },
    annotations: { [ANNOTATION.schema]: SCHEMA, [ANNOTATION.doNotDisrupt]: 'true' },
  };
}

export const warmMetadata: Metadata = { labels: {}, annotations: { [ANNOTATION.wasWarm]: 'true' } };

export function warmPodName(uuid: string): string {
  return `${WARM_NAME}${uuid.replaceAll('-', '').slice(-12)}`;
}

/** What a cold pod is born with and a warm one is given when it is claimed. */
export function assignmentMetadata(assignment: PodAssignment): Metadata {
  const { id, owner, generation, opening, template, env, idleTimeoutMs, maxLifetimeMs, openedAtMs } = assignment;
  return {
    labels: {
      [LABEL.session]: sessionHash(id),
      ...(isLabelValue(id) && { [LABEL.sessionId]: id }),
      [LABEL.generation]: String(generation),
    },
    annotations: {
      [ANNOTATION.sessionId]: id,
      [ANNOTATION.owner]: owner,
      [ANNOTATION.generation]: String(generation),
      [ANNOTATION.opening]: String(opening),
      [ANNOTATION.template]: template,
      [ANNOTATION.env]: JSON.stringify(env),
      ...timeoutAnnotations({ idleTimeoutMs, maxLifetimeMs }),
      [ANNOTATION.openedAt]: timeText(openedAtMs),
    },
  };
}

export function timeoutAnnotations({ idleTimeoutMs, maxLifetimeMs }: Timeouts): Texts {
  return {
    ...(idleTimeoutMs !== undefined && { [ANNOTATION.idleTimeoutMs]: String(idleTimeoutMs) }),
    ...(maxLifetimeMs !== undefined && { [ANNOTATION.maxLifetimeMs]: String(maxLifetimeMs) }),
  };
}

/** RFC 3339; a time beyond what that can say is the latest it can. */
export function timeText(ms: number): string {
  return new Date(Math.min(Math.max(ms, -LATEST_MS), LATEST_MS)).toISOString();
}

/**
 * Whom a pod serves, by its own word. `unbelievable`: it contradicts itself, says nothing that can be read, or is of a
 * later schema, in which the same words may mean something else; such a pod is its own version's to look after.
 */
export type Standing = { assignment?: PodAssignment; wasWarm: boolean } | 'unbelievable';

export function standingOf(metadata: PodObjectMetadata): Standing {
  const { name = '', labels = {}, annotations = {} } = metadata;
  const wasWarm = annotations[ANNOTATION.wasWarm] === 'true';
  if ((annotations[ANNOTATION.schema] ?? SCHEMA) !== SCHEMA) return 'unbelievable';
  if (wasWarm !== name.startsWith(WARM_NAME) || labels[LABEL.managedBy] !== MANAGER) return 'unbelievable';
  if (labels[LABEL.session] === undefined && annotations[ANNOTATION.sessionId] === undefined) {
    return wasWarm ? { wasWarm } : 'unbelievable';
  }
  const assignment = annotated.safeParse(annotations).data;
  if (!assignment || !agree(assignment, labels)) return 'unbelievable';
  if (!wasWarm && name !== podName(assignment.id, assignment.generation)) return 'unbelievable';
  return { assignment, wasWarm };
}

/** Undefined: it is not condemned. A mark that cannot be read condemns all the same, from now on. */
export function markedUntilMs({ annotations = {} }: PodObjectMetadata): number | undefined {
  const mark = annotations[ANNOTATION.condemned];
  return mark === undefined ? undefined : (moment.safeParse(mark).data ?? 0);
}

export function lastUsedAtMs({ annotations = {} }: PodObjectMetadata): number | undefined {
  return moment.safeParse(annotations[ANNOTATION.lastUsedAt]).data;
}

/** A pod is selected by its labels and believed by its annotations; one whose two tell different stories is neither. */
function agree({ id, generation, template }: PodAssignment, labels: PodObjectMetadata['labels'] = {}): boolean {
  return (
    labels[LABEL.session] === sessionHash(id) &&
    labels[LABEL.generation] === String(generation) &&
    labels[LABEL.template] === template &&
    (labels[LABEL.sessionId] ?? id) === id
  );
}

const amount = z
  .string()
  .regex(/^\d+(\.\d+)?$/)
  .transform(Number)
  .pipe(z.number());
const ordinal = amount.pipe(z.int().min(1));
const moment = z
  .string()
  .transform((text) => Date.parse(text))
  .pipe(z.number());

const annotated = z
  .object({
    [ANNOTATION.sessionId]: z.string().refine(isSessionId),
    [ANNOTATION.owner]: z.string().min(1),
    [ANNOTATION.generation]: ordinal,
    [ANNOTATION.opening]: ordinal,
    [ANNOTATION.template]: z.string().min(1),
    [ANNOTATION.env]: z.string().transform(envOf).pipe(z.record(z.string(), z.string())),
    [ANNOTATION.idleTimeoutMs]: amount,
    [ANNOTATION.maxLifetimeMs]: amount,
    [ANNOTATION.openedAt]: moment,
  })
  .transform((texts): PodAssignment => ({
    id: texts[ANNOTATION.sessionId],
    owner: texts[ANNOTATION.owner],
    generation: texts[ANNOTATION.generation],
    opening: texts[ANNOTATION.opening],
    template: texts[ANNOTATION.template],
    env: texts[ANNOTATION.env],
    idleTimeoutMs: texts[ANNOTATION.idleTimeoutMs],
    maxLifetimeMs: texts[ANNOTATION.maxLifetimeMs],
    openedAtMs: texts[ANNOTATION.openedAt],
  }));

function envOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** A session id may be longer, or hold a `~`, which no label may. */
export function isLabelValue(text: string): boolean {
  return text.length <= 63 && /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text);
}
