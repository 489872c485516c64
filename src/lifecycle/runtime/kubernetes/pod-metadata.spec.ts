import fc from 'fast-check';

import { plainTemplate } from '../../../../test/support/process-runtime.js';
import { sessionId } from '../../../../test/support/openings.js';
import type { PodAssignment } from '../pod.js';
import { podName, sessionHash } from '../pod-name.js';
import {
  ANNOTATION,
  assignmentMetadata,
  isLabelValue,
  LABEL,
  lastUsedAtMs,
  markedUntilMs,
  standingOf,
  templateMetadata,
  timeText,
  warmMetadata,
  warmPodName,
} from './pod-metadata.js';
import type { PodObjectMetadata } from './pod-object.js';

const ALICE: PodAssignment = {
  id: sessionId('team~1.alpha'),
  owner: 'https://issuer.example|alice',
  generation: 3,
  opening: 2,
  template: 'python',
  env: { COLOUR: 'green', EMPTY: '' },
  idleTimeoutMs: 600_000,
  maxLifetimeMs: 0,
  openedAtMs: 1_800_000_000_123,
};

function metadataOf(assignment: PodAssignment, isWarm = false): PodObjectMetadata {
  const { labels, annotations } = templateMetadata(plainTemplate([], { name: assignment.template, hash: 'abc' }));
  const own = assignmentMetadata(assignment);
  return {
    name: isWarm ? warmPodName('0123') : podName(assignment.id, assignment.generation),
    labels: { ...labels, ...own.labels },
    annotations: { ...annotations, ...own.annotations, ...(isWarm && warmMetadata.annotations) },
  };
}

function changed(kind: 'labels' | 'annotations', facts: Record<string, string | undefined>): PodObjectMetadata {
  const metadata = metadataOf(ALICE);
  const entries = Object.entries({ ...metadata[kind], ...facts }).filter(([, value]) => value !== undefined);
  return { ...metadata, [kind]: Object.fromEntries(entries) };
}

describe('what a pod says of itself', () => {
  it('is the assignment that it was given, whatever that is', () => {
    const idCharacter = fc.constantFrom(...'abzABZ019._~-');
    const id = fc.string({ unit: idCharacter, maxLength: 126 }).map((middle) => sessionId(`a${middle}z`));
    const env = fc.dictionary(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,20}$/), fc.string({ unit: 'binary' }));
    const assignment = fc.record<PodAssignment>({
      id,
      env,
      owner: fc.string({ unit: 'grapheme', minLength: 1 }),
      generation: fc.integer({ min: 1, max: 1e9 }),
      opening: fc.integer({ min: 1, max: 1e9 }),
      template: fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
      idleTimeoutMs: fc.integer({ min: 1, max: 1e12 }),
      maxLifetimeMs: fc.integer({ min: 0, max: 1e12 }),
      openedAtMs: fc.integer({ min: 0, max: 4e12 }),
    });
    fc.assert(
      fc.property(assignment, fc.boolean(), (given, wasWarm) => {
        const metadata = metadataOf(given, wasWarm);
        for (const value of Object.values(metadata.labels!)) expect(isLabelValue(value)).toBe(true);
        expect(standingOf(metadata)).toEqual({ assignment: given, wasWarm });
      }),
    );
  });

  it('is legible for a person with kubectl', () => {
    expect(metadataOf({ ...ALICE, id: sessionId('alpha') })).toEqual({
      name: `berth-${sessionHash(sessionId('alpha'))}-3`,
      labels: {
        'app.kubernetes.io/managed-by': 'berth',
        'berth.dev/session': sessionHash(sessionId('alpha')),
        'session-id': 'alpha',
        'berth.dev/generation': '3',
        'berth.dev/template': 'python',
        'berth.dev/template-hash': 'abc',
      },
      annotations: {
        'karpenter.sh/do-not-disrupt': 'true',
        'berth.dev/schema': '1',
        'berth.dev/session-id': 'alpha',
        'berth.dev/owner': 'https://issuer.example|alice',
        'berth.dev/generation': '3',
        'berth.dev/opening': '2',
        'berth.dev/template': 'python',
        'berth.dev/env': '{"COLOUR":"green","EMPTY":""}',
        'berth.dev/idle-timeout-ms': '600000',
        'berth.dev/max-lifetime-ms': '0',
        'berth.dev/opened-at': '2027-01-15T08:00:00.123Z',
      },
    });
  });

  it('has no label of an id that no label may hold', () => {
    expect(metadataOf(ALICE).labels).not.toHaveProperty(LABEL.sessionId);
    expect(metadataOf({ ...ALICE, id: sessionId('a'.repeat(64)) }).labels).not.toHaveProperty(LABEL.sessionId);
    expect(metadataOf({ ...ALICE, id: sessionId('a'.repeat(63)) }).labels).toHaveProperty(LABEL.sessionId);
  });

  it('names nobody while it is warm', () => {
    const { labels, annotations } = templateMetadata(plainTemplate());
    const warm = { name: warmPodName('x'), labels, annotations: { ...annotations, ...warmMetadata.annotations } };
    expect(standingOf(warm)).toEqual({ wasWarm: true });
  });

  it.each<[string, PodObjectMetadata]>([
    ['whose name is not that of its session and generation', { ...metadataOf(ALICE), name: 'by-hand' }],
    ['that has the name of another generation', { ...metadataOf(ALICE), name: podName(ALICE.id, 4) }],
    ['with the hash of another id', changed('labels', { [LABEL.session]: sessionHash(sessionId('other')) })],
    ['without the hash', changed('labels', { [LABEL.session]: undefined })],
    ['labelled with another id', changed('labels', { [LABEL.sessionId]: 'other' })],
    ['labelled with another generation', changed('labels', { [LABEL.generation]: '4' })],
    ['labelled with another template', changed('labels', { [LABEL.template]: 'other' })],
    ['managed by somebody else', changed('labels', { [LABEL.managedBy]: 'helm' })],
    ['annotated with another id', changed('annotations', { [ANNOTATION.sessionId]: 'other' })],
    ['annotated with what is no id', changed('annotations', { [ANNOTATION.sessionId]: '../etc' })],
    ['annotated with no id', changed('annotations', { [ANNOTATION.sessionId]: undefined })],
    ['without an owner', changed('annotations', { [ANNOTATION.owner]: undefined })],
    ['with an empty owner', changed('annotations', { [ANNOTATION.owner]: '' })],
    ['of generation 0', changed('annotations', { [ANNOTATION.generation]: '0' })],
    ['of half a generation', changed('annotations', { [ANNOTATION.generation]: '1.5' })],
    ['with an opening that is no number', changed('annotations', { [ANNOTATION.opening]: 'two' })],
    ['with a time-out below zero', changed('annotations', { [ANNOTATION.idleTimeoutMs]: '-1' })],
    ['with a broken environment', changed('annotations', { [ANNOTATION.env]: '{"A":' })],
    ['with an environment of numbers', changed('annotations', { [ANNOTATION.env]: '{"A":1}' })],
    ['opened at no time', changed('annotations', { [ANNOTATION.openedAt]: 'yesterday' })],
    ['that claims to have been warm under a cold name', changed('annotations', { [ANNOTATION.wasWarm]: 'true' })],
    ['of a later schema', changed('annotations', { [ANNOTATION.schema]: '2' })],
    ['that is neither warm nor assigned', { name: 'x', labels: { [LABEL.managedBy]: 'berth' } }],
    ['with a warm name that was never warm', { name: warmPodName('x'), labels: { [LABEL.managedBy]: 'berth' } }],
    ['without any metadata', {}],
  ])('is not believed of a pod %s', (_, metadata) => {
    expect(standingOf(metadata)).toBe('unbelievable');
  });

  it('is believed although a newer version of Berth added something', () => {
    const newer = changed('annotations', { 'berth.dev/mood': 'sunny' });
    expect(standingOf(newer)).toEqual({ assignment: ALICE, wasWarm: false });
  });
});

describe('the mark', () => {
  it.each([0, 7, 1_800_000_000_123, 8.64e15])('is read as it was written: %d', (ms) => {
    expect(markedUntilMs({ annotations: { [ANNOTATION.condemned]: timeText(ms) } })).toBe(ms);
    expect(lastUsedAtMs({ annotations: { [ANNOTATION.lastUsedAt]: timeText(ms) } })).toBe(ms);
  });

  it('beyond the end of time is the end of time', () => {
    expect(markedUntilMs({ annotations: { [ANNOTATION.condemned]: timeText(Infinity) } })).toBe(8.64e15);
  });

  it('condemns also where it cannot be read', () => {
    expect(markedUntilMs({ annotations: { [ANNOTATION.condemned]: 'true' } })).toBe(0);
    expect(markedUntilMs({ annotations: {} })).toBeUndefined();
    expect(markedUntilMs({})).toBeUndefined();
  });
});
