import type { Session } from '../../../src/lifecycle/session.js';
import type { SessionStore } from '../../../src/lifecycle/store/session-store.js';
import { eventually } from '../../support/eventually.js';
import { alice, bob } from '../../support/openings.js';
import { crash, death, hopeless, idOf, ref, type Given, type Stage } from './stage.js';

class Watcher {
  readonly seen: Session[] = [];
  missed = 0;
  readonly stop: () => void;

  constructor(store: SessionStore) {
    this.stop = store.watch(
      (session) => this.seen.push(session),
      () => this.missed++,
    );
  }

  of(id: string): Session[] {
    return this.seen.filter((session) => session.id === id);
  }
}

/** Steps that are use and nothing else: nobody is told of them. */
const MERE_USE = ['entered', 'touched'];

/** Every step that changes a record, from the first request to the tombstone. */
const LIFE: readonly (readonly [string, (stage: Stage) => Promise<unknown>])[] = [
  ['opened', (stage) => stage.enter('s')],
  ['tried', async (stage) => stage.store.tryStart(ref(await stage.truth('s')))],
  ['named', async (stage) => stage.withPod(await stage.truth('s'))],
  ['ready', async (stage) => stage.madeReady(await stage.truth('s'))],
  ['entered', (stage) => stage.enter('s')],
  ['touched', (stage) => stage.touched('s')],
  ['changed', (stage) => stage.store.change(idOf('s'), alice, { idleTimeoutMs: stage.units(3) })],
  ['replaced', async (stage) => stage.store.replace(ref(await stage.truth('s')), crash, 0)],
  ['failed', async (stage) => stage.store.fail(ref(await stage.truth('s')), hopeless, stage.units(1))],
  ['reaped', (stage) => stage.reapedWhenDue('s')],
  ['opened again', (stage) => stage.enter('s')],
  ['ended', (stage) => stage.store.end(idOf('s'), alice)],
  ['finished', async (stage) => stage.store.finish(ref(await stage.truth('s')), 'left')],
  ['empty', async (stage) => stage.store.finish(ref(await stage.truth('s')), 'none')],
];

export function watching(given: Given): void {
  describe('watching', () => {
    it('is told every change of a record but its mere use, as it then is, with a version that rises', async () => {
      const stage = await given();
      const watcher = new Watcher(stage.store);
      let version = -Infinity;
      const ofUse: number[] = [];
      for (const [step, take] of LIFE) {
        await stage.pass(stage.units(2));
        await take(stage);
        const session = await stage.truth('s');
        expect({ step, rises: session.version > version }).toEqual({ step, rises: true });
        version = session.version;
        if (MERE_USE.includes(step)) ofUse.push(version);
        else await eventually(() => expect({ step, last: watcher.seen.at(-1) }).toEqual({ step, last: session }));
      }
      const versions = watcher.seen.map((session) => session.version);
      expect(versions.filter((one) => ofUse.includes(one))).toEqual([]);
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
      expect(watcher.missed).toBe(0);
      watcher.stop();
    });

    it('is told of what another replica changes, in order', async () => {
      const stage = await given();
      const watcher = new Watcher(await stage.harness.secondReplica());
      await stage.reaped('s');
      await stage.healing('s');
      await stage.store.end(idOf('s'), alice);
      await stage.finished(await stage.truth('s'));
      const states = ['1 creating', '1 ready', '1 terminating', '2 creating', '2 ready', '3 creating'];
      await eventually(() => expect(withoutRepeats(watcher.seen)).toEqual([...states, '3 terminating', '3 ended']));
      watcher.stop();
    });

    it('is told of a use that brings forward when the session is due, as after it was put off', async () => {
      const stage = await given();
      const ready = await stage.ready('s');
      const other = await stage.ready('other');
      await stage.store.postpone(ref(ready), stage.units(30));
      await stage.store.postpone(ref(other), stage.units(30));
      const watcher = new Watcher(stage.store);
      await stage.touched('s');
      await stage.enter('other');
      for (const id of ['s', 'other']) {
        const session = await stage.truth(id);
        expect(session.dueAtMs).toBe(session.lastUsedAtMs + stage.idleTimeoutMs);
        await eventually(() => expect(watcher.of(id)).toEqual([session]));
      }
      watcher.stop();
    });

    it('is told nothing of what changed nothing', async () => {
      const stage = await given({ maxSessions: 2 });
      const ready = await stage.ready('s');
      const watcher = new Watcher(stage.store);
      await stage.store.reap(ref(ready));
      await stage.enter('s', { by: bob });
      await stage.enter('s', { asked: { template: 'other' } });
      await stage.store.change(ready.id, bob, { idleTimeoutMs: 1 });
      await stage.store.replace({ ...ref(ready), uid: 'another' }, death, 0);
      await stage.store.finish(ref(ready), 'none');
      await stage.find('s');
      await stage.opened('sentinel');
      await eventually(() => expect(watcher.of('sentinel')).not.toEqual([]));
      expect(watcher.of('s')).toEqual([]);
      watcher.stop();
    });

    it('goes on for others when one has stopped', async () => {
      const stage = await given();
      const stopping = new Watcher(stage.store);
      const staying = new Watcher(stage.store);
      await stage.opened('before');
      await eventually(() => expect(stopping.of('before')).not.toEqual([]));
      stopping.stop();
      await stage.opened('after');
      await eventually(() => expect(staying.of('after')).not.toEqual([]));
      expect(stopping.of('after')).toEqual([]);
      staying.stop();
    });

    it('may be stopped twice, and from within', async () => {
      const stage = await given();
      const seen: string[] = [];
      const stop = stage.store.watch(
        ({ id }) => {
          seen.push(id);
          stop();
        },
        () => undefined,
      );
      const sentinel = new Watcher(stage.store);
      await stage.opened('first');
      await eventually(() => expect(seen).toEqual(['first']));
      await stage.opened('second');
      await eventually(() => expect(sentinel.of('second')).not.toEqual([]));
      stop();
      expect(seen).toEqual(['first']);
      sentinel.stop();
    });

    it('does not mean that one watcher who throws keeps the others from knowing, or the change from being made', async () => {
      const stage = await given();
      const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      const stop = stage.store.watch(
        () => {
          throw new Error('a watcher that fails');
        },
        () => undefined,
      );
      const watcher = new Watcher(stage.store);
      await stage.opened('s');
      await eventually(() => expect(watcher.of('s')).not.toEqual([]));
      warned.mockRestore();
      stop();
      watcher.stop();
    });

    it('is told what an import brings, or that it has missed some', async () => {
      const stage = await given();
      const ready = await stage.ready('s');
      const watcher = new Watcher(stage.store);
      await stage.harness.loseMemory();
      await stage.imported([stage.livingPodOf(ready)]);
      const session = await stage.truth('s');
      await eventually(() => expect(watcher.missed > 0 || watcher.seen.at(-1)?.version === session.version).toBe(true));
      watcher.stop();
    });
  });
}

function withoutRepeats(seen: readonly Session[]): string[] {
  const states = seen.map(({ generation, state }) => `${generation} ${state}`);
  return states.filter((state, index) => state !== states[index - 1]);
}
