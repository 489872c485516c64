import { alice, bob, caller, opening } from '../../../test/support/openings.js';
import { ID, IDLE_MS, refusedWith, started } from '../../../test/support/replica.js';

describe('who may reach a session', () => {
  it('is not told of the session of another owner, not even by the scope of its template', async () => {
    const replica = (await started()).startAtOnce();
    const scoped = caller(alice.owner, { scopes: ['gpu'] });
    await replica.lifecycle.sessions.open(ID, scoped, { template: 'gpu' });
    await replica.clock.advance(10);
    await expect(replica.ask({ caller: bob })).rejects.toEqual(refusedWith('SESSION_NOT_FOUND'));
  });

  it('starts nothing without the scope that the template of an ended session needs', async () => {
    const replica = (await started()).startAtOnce();
    const scoped = caller(alice.owner, { scopes: ['gpu'] });
    await replica.lifecycle.sessions.open(ID, scoped, { template: 'gpu' });
    await replica.clock.advance(IDLE_MS + 30_000);
    expect(replica.runtime.pods.size).toBe(0);
    await expect(replica.ask()).rejects.toEqual(refusedWith('FORBIDDEN'));
    await replica.clock.advance(1_000);
    expect(replica.runtime.pods.size).toBe(0);
  });

  it('opens a reaped session although its template is gone', async () => {
    const replica = (await started()).startAtOnce();
    await replica.store.enter(ID, alice, opening({}, { template: 'old' }));
    await replica.clock.advance(1_000);
    await replica.clock.advance(IDLE_MS + 20_000);
    expect((await replica.store.find(ID))!.state).toBe('ended');
    await expect(replica.admit()).resolves.toMatchObject({ address: expect.any(String) as string });
  });
});
