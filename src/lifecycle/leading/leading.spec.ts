import { bob, sessionId } from '../../../test/support/openings.js';
import { DRAIN_MS, IDLE_MS, refusedWith, started } from '../../../test/support/replica.js';
import { RuntimeUnavailable } from '../lifecycle.errors.js';
import type { Admission } from '../sessions.js';
import { templateSchema } from '../templates/template.js';
import { Templates } from '../templates/templates.js';

/** One replica's whole core on virtual time, with pods that do as the test says. */
describe('the leader', () => {
  it('ends an idle session once its time-out has passed and not before', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    await replica.clock.advance(IDLE_MS - 1);
    expect(await replica.state()).toBe('ready');
    await replica.clock.advance(10_000);
    expect(await replica.state()).toBe('gone');
    expect(replica.runtime.pods.size).toBe(0);
  });

  it('does not end a session while something is open to it', async () => {
    const replica = (await started()).startAtOnce();
    const admission = await replica.admit();
    await replica.clock.advance(3 * IDLE_MS);
    expect(await replica.state()).toBe('ready');
    admission.release();
    await replica.clock.advance(IDLE_MS + 10_000);
    expect(await replica.state()).toBe('gone');
  });

  it('does not take a look at the status for use', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    for (let minute = 0; minute < 9; minute += 1) {
      await replica.clock.advance(60_000);
      expect(await replica.state()).toBe('ready');
    }
    await replica.clock.advance(70_000);
    expect(await replica.state()).toBe('gone');
  });

  it('lets a request win that comes between the mark and the compare of the reaper', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    let admission: Admission | undefined;
    replica.runtime.onMark = async () => {
      replica.runtime.onMark = () => {};
      admission = await replica.admit();
    };
    await replica.clock.advance(IDLE_MS + 10_000);
    expect(admission).toMatchObject({ generation: 1, start: 'none' });
    expect(replica.pod().markedUntilMs).toBeUndefined();
    expect(await replica.state()).toBe('ready');
  });

  it('ends a session past its lifetime although it is in use, and gives what is open the drain time', async () => {
    const replica = (await started({ maxLifetimeMs: 3_600_000 })).startAtOnce();
    const open = await replica.admit();
    await replica.clock.advance(3_600_000);
    const fresh = await replica.admit({ after: {} });
    expect(fresh.generation).toBe(2);
    await replica.clock.advance(DRAIN_MS - 1_000);
    expect([...replica.runtime.pods.values()].map(({ address }) => address)).toContain(open.address);
    await replica.clock.advance(2_000);
    expect(replica.pod().address).toBe(fresh.address);
  });

  it('rebuilds the sessions from their pods after the store lost its memory', async () => {
    const replica = (await started()).startAtOnce();
    (await replica.admit()).release();
    replica.store.loseMemory();
    await replica.clock.advance(2_000);
    const admission = await replica.admit({ after: {} });
    expect(admission).toMatchObject({ generation: 1, address: replica.pod().address });
    await expect(replica.ask({ caller: bob, after: {} })).rejects.toEqual(refusedWith('SESSION_NOT_FOUND'));
  });

  it('removes a pod that no session names', async () => {
    const replica = (await started()).startAtOnce();
    const assignment = { id: sessionId('stray'), owner: 'x', generation: 1, opening: 1, template: 'default', env: {} };
    const timeouts = { idleTimeoutMs: IDLE_MS, maxLifetimeMs: 0, openedAtMs: replica.clock.nowMs() };
    const definition = new Templates(new Map([['default', templateSchema.parse({})]]), {
      ...timeouts,
      port: 80,
      warmPoolSize: 0,
    }).find('default')!;
    await replica.runtime.create({ ...assignment, ...timeouts, definition });
    await replica.clock.advance(1_000);
    expect(replica.runtime.pods.size).toBe(0);
  });

  it('does not read everything again at once because one pod cannot be freed of its mark', async () => {
    const replica = (await started()).startAtOnce();
    await replica.admit();
    await replica.runtime.mark(replica.pod(), replica.clock.nowMs());
    const unmark = jest.spyOn(replica.runtime, 'unmark');
    unmark.mockRejectedValue(new RuntimeUnavailable('a webhook refuses'));
    const lists = jest.spyOn(replica.store, 'list');
    await replica.clock.advance(300_000);
    expect(unmark).toHaveBeenCalled();
    expect(lists.mock.calls.length).toBeLessThan(8);
  });
});
