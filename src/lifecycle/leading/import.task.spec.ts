import { FakeClock } from '../../../test/support/fake-clock.js';
import { podOf } from '../../../test/support/pods.js';
import { session } from '../../../test/support/sessions.js';
import { SilentLogger } from '../../../test/support/silent-logger.js';
import { sessionId } from '../../../test/support/openings.js';
import type { Pod } from '../runtime/pod.js';
import type { SessionRuntime } from '../runtime/session-runtime.js';
import type { Session } from '../session.js';
import type { SessionStore } from '../store/session-store.js';
import { SessionDirectory } from '../view/session-directory.js';
import { Calm } from './calm.js';
import { ImportTask } from './import.task.js';

/** One import of these pods: what the store was told, in this order. */
async function importOf(
  pods: readonly Pod[],
  known: readonly Session[] = [],
  outranked: readonly string[] = [],
): Promise<{ imported: string[]; living: string[] }> {
  const told = { imported: [] as string[], living: [] as string[] };
  const store = {
    beginImport: () => Promise.resolve({ token: 'this one' }),
    importPod: (_: unknown, { uid }: Pod) => {
      told.imported.push(uid);
      return Promise.resolve(outranked.includes(uid) ? ('outranked' as const) : ('imported' as const));
    },
    finishImport: (_: unknown, living: ReadonlySet<string>) => {
      told.living.push(...living);
      return Promise.resolve('usable' as const);
    },
  };
  const runtime = { list: () => Promise.resolve(pods) };
  const ports = { store: store as unknown as SessionStore, runtime: runtime as unknown as SessionRuntime };
  const sessions = new SessionDirectory(ports.store);
  for (const session of known) sessions.note(session);
  await new ImportTask({ ...ports, sessions }, new Calm(new FakeClock()), () => undefined, new SilentLogger()).pass();
  return told;
}

describe('an import', () => {
  const pod = (uid: string, facts: Partial<Pod> = {}): Pod => podOf(session({ id: sessionId(uid) }), { uid, ...facts });

  // Of two that were on their way together the lower one may arrive first: for a moment the record named a pod of a
  // generation that another pod had had.
  it('tells the store of each session by one pod, that of the highest generation', async () => {
    const later = podOf(session({ id: sessionId('a'), generation: 2 }), { uid: 'later' });
    const told = await importOf([pod('a'), later, pod('b')]);
    expect(told).toEqual({ imported: ['later', 'b'], living: ['a', 'later', 'b'] });
  });

  it('tells it of the pod that the session had, where another one bears witness to the same generation', async () => {
    const one = session({ id: sessionId('a'), pod: { name: 'named', uid: 'named' } });
    const [claimedLate, named] = [podOf(one, { uid: 'claimed late' }), podOf(one, { uid: 'named' })];
    expect(await importOf([claimedLate, named], [one])).toMatchObject({ imported: ['named'] });
    expect(await importOf([named, claimedLate], [one])).toMatchObject({ imported: ['named'] });
  });

  it('tells it of the next pod of a session when it does not believe the first', async () => {
    const one = session({ id: sessionId('a'), generation: 2 });
    const [claimedLate, named] = [podOf(one, { uid: 'claimed late' }), podOf(one, { uid: 'named' })];
    const told = await importOf([pod('a'), claimedLate, named, pod('b')], [], ['claimed late']);
    expect(told.imported.filter((uid) => uid !== 'b')).toEqual(['claimed late', 'named']);
  });

  it('passes over what is condemned or being deleted', async () => {
    const pods = [pod('a'), pod('condemned', { markedUntilMs: 1 }), pod('deleted', { deleting: true })];
    expect(await importOf(pods)).toEqual({ imported: ['a'], living: ['a'] });
  });

  /** The record of a session that a later version keeps was ended, for its pod was not among the living. */
  it('makes no session of a pod that it cannot read, and does not take it for gone', async () => {
    expect(await importOf([pod('a'), pod('later', { assignment: undefined })])).toEqual({
      imported: ['a'],
      living: ['a', 'later'],
    });
  });
});
