import type { SessionStore } from '../../../src/lifecycle/store/session-store.js';
import { alice, bob } from '../../support/openings.js';
import { crash, death, idOf, ref, type Given, type Stage } from './stage.js';

/** The two replicas take turns, so that neighbours in the list go through different clients. */
async function onBoth<Answer>(
  stage: Stage,
  count: number,
  call: (store: SessionStore, index: number) => Promise<Answer>,
): Promise<Answer[]> {
  const replicas = [stage.store, await stage.harness.secondReplica()] as const;
  return Promise.all(Array.from({ length: count }, (_, index) => call(replicas[index % 2 === 0 ? 0 : 1], index)));
}

export function races(given: Given): void {
  describe('at the same moment, through two replicas', () => {
    it('fifty first requests open one session', async () => {
      const stage = await given();
      const answers = await onBoth(stage, 50, (store) => store.enter(idOf('s'), alice, stage.opening()));
      const outcomes = answers.map((answer) => (typeof answer === 'string' ? answer : answer.outcome));
      expect(outcomes.filter((outcome) => outcome === 'opened')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'found')).toHaveLength(49);
      expect(await stage.truth('s')).toMatchObject({ state: 'creating', generation: 1, opening: 1 });
      expect(await stage.store.tally()).toMatchObject({ counted: 1 });
    });

    it('first requests of two owners give the session to one of them', async () => {
      const stage = await given();
      const answers = await onBoth(stage, 20, (store, index) =>
        store.enter(idOf('s'), index % 2 === 0 ? alice : bob, stage.opening()),
      );
      const { owner } = await stage.truth('s');
      answers.forEach((answer, index) => {
        const mine = (index % 2 === 0 ? alice : bob).owner === owner;
        expect(typeof answer === 'string' ? answer : answer.session.owner).toBe(mine ? owner : 'not-yours');
      });
    });

    it('as many sessions are opened as the limit allows, no more and no fewer', async () => {
      const stage = await given({ maxSessions: 7 });
      const answers = await onBoth(stage, 30, (store, index) => store.enter(idOf(`s${index}`), alice, stage.opening()));
      expect(answers.filter((answer) => answer !== 'session-limit')).toHaveLength(7);
      expect(await stage.store.tally()).toMatchObject({ counted: 7, byState: { creating: 7 } });
    });

    it('as many sessions of one owner are opened as the limit allows', async () => {
      const stage = await given({ maxSessionsPerOwner: 3 });
      const answers = await onBoth(stage, 20, (store, index) => store.enter(idOf(`s${index}`), alice, stage.opening()));
      expect(answers.filter((answer) => answer !== 'owner-limit')).toHaveLength(3);
    });

    it('one of many is granted the start, the others wait', async () => {
      const stage = await given();
      const session = await stage.opened('s');
      const answers = await onBoth(stage, 10, (store) => store.tryStart(ref(session)));
      expect(answers.filter((answer) => answer === 'start')).toHaveLength(1);
      const waits = answers.filter((answer) => answer !== 'start');
      expect(waits).toEqual(Array.from({ length: 9 }, () => ({ waitMs: expect.any(Number) })));
    });

    it('one pod is named, and the others learn which', async () => {
      const stage = await given();
      const session = await stage.opened('s');
      const answers = await onBoth(stage, 6, (store) => store.namePod(ref(session), stage.newPod(session)));
      expect(answers.filter((answer) => answer === 'named')).toHaveLength(1);
      const { pod } = await stage.truth('s');
      for (const answer of answers) if (answer !== 'named') expect(answer).toMatchObject({ moved: { pod } });
    });

    it('one session gets an address', async () => {
      const stage = await given();
      const sessions = await Promise.all(['a', 'b', 'c', 'd'].map((id) => stage.named(id)));
      const answers = await onBoth(stage, 4, (store, index) =>
        store.markReady(ref(sessions[index] ?? never()), '10.5.5.5:8080'),
      );
      expect(answers.filter((answer) => answer === 'ready')).toHaveLength(1);
      expect(await stage.store.tally()).toMatchObject({ byState: { ready: 1, creating: 3 } });
    });

    it('a dead pod is replaced once', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      const answers = await onBoth(stage, 6, (store) => store.replace(ref(session), crash, 0));
      expect(answers.filter((answer) => !('moved' in answer))).toHaveLength(1);
      expect(await stage.truth('s')).toMatchObject({ generation: 2, heals: 1, crashes: 1 });
    });

    it.each([
      ['a touch first', ['touch', 'reap'] as const],
      ['the reaper first', ['reap', 'touch'] as const],
    ])('either a due session is touched or it is reaped, never both: %s', async (_, order) => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.passUntil(session.dueAtMs);
      const calls = {
        touch: async (store: SessionStore) => (await store.touch([{ ...ref(session), requests: 1 }]))[0],
        reap: async (store: SessionStore) => store.reap(ref(session)),
      };
      const answers = await onBoth(stage, 2, (store, index) => calls[order[index === 0 ? 0 : 1]](store));
      const [touch, reap] = order[0] === 'touch' ? answers : [...answers].reverse();
      const truth = await stage.truth('s');
      if (reap === 'terminating') {
        expect(touch).toMatchObject({ moved: { state: 'terminating' } });
        expect(truth.state).toBe('terminating');
      } else {
        expect([touch, reap]).toEqual(['touched', 'not-due']);
        expect(truth).toMatchObject({ state: 'ready', requests: session.requests + 1 });
      }
    });

    it('a request that meets the reaper is served by the old pod or by the next generation, by nothing else', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      await stage.passUntil(session.dueAtMs);
      const other = await stage.harness.secondReplica();
      const [reap, entered] = await Promise.all([other.reap(ref(session)), stage.enter('s')]);
      const expected =
        reap === 'terminating'
          ? { outcome: 'opened', session: { state: 'creating', generation: 2 } }
          : { outcome: 'found', session: { state: 'ready', generation: 1, pod: session.pod } };
      expect(entered).toMatchObject(expected);
    });

    it('a heal and an end: the session is over, whichever was first', async () => {
      const stage = await given();
      const session = await stage.ready('s');
      const other = await stage.harness.secondReplica();
      const [healed, ended] = await Promise.all([
        other.replace(ref(session), death, 0),
        stage.store.end(session.id, alice),
      ]);
      expect(ended).toMatchObject({ state: 'terminating', generation: 'moved' in healed ? 1 : 2 });
      expect(await stage.truth('s')).toEqual(ended);
      expect(await stage.store.tally()).toMatchObject({ counted: 0 });
    });

    it('of two imports that begin, one can be finished', async () => {
      const stage = await given();
      await stage.harness.loseMemory();
      const tokens = await onBoth(stage, 2, (store) => store.beginImport());
      const answers = await onBoth(stage, 2, (store, index) => {
        const token = tokens[index];
        return token === undefined || token === 'not-needed' ? never() : store.finishImport(token, new Set());
      });
      expect([...answers].sort()).toEqual(['usable', 'void']);
    });
  });
}

function never(): never {
  throw new Error('this case is set up wrongly');
}
