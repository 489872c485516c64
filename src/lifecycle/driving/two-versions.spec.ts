import { alice } from '../../../test/support/openings.js';
import { another, ID, refusedWith, type Replica, started } from '../../../test/support/replica.js';
import { RecordingLogger } from '../../../test/support/recording-logger.js';
import { templateSchema } from '../templates/template.js';
import { Templates } from '../templates/templates.js';
import type { Session } from '../session.js';

const IN_A_LATER_STATE = 'hibernating' as Session['state'];

/** The store holds a record in a state that a later version of Berth gave it. */
async function withLaterRecord(replica: Replica): Promise<void> {
  (await replica.admit()).release();
  const session = { ...(await replica.store.find(ID))!, state: IN_A_LATER_STATE, version: Number.MAX_SAFE_INTEGER };
  jest.spyOn(replica.store, 'enter').mockResolvedValue({ outcome: 'found', session });
  replica.lifecycle.directory.note(session);
}

/** Knows no template but the default one. */
function ofTheVersionBefore(replica: Replica): ReturnType<typeof another> {
  const templates = new Templates(new Map([['default', templateSchema.parse({})]]), {
    idleTimeoutMs: 600_000,
    maxLifetimeMs: 0,
    port: 8080,
    warmPoolSize: 0,
  });
  return another({ ...replica, parts: { ...replica.parts, templates } } as Replica);
}

describe('beside a later version', () => {
  it('a session in a state that is not known is left alone, without a complaint each second', async () => {
    const replica = (await started()).startAtOnce();
    const logger = new RecordingLogger();
    jest.spyOn(replica.parts.logger, 'error').mockImplementation((...line) => logger.error(...line));
    await withLaterRecord(replica);
    await replica.clock.advance(10_000);
    expect(logger.lines).toEqual([]);
  });

  it('who asks for such a session is told to ask again, of a replica that may know it', async () => {
    const replica = (await started()).startAtOnce();
    await withLaterRecord(replica);
    await expect(replica.ask({ after: {} })).rejects.toEqual(refusedWith('DEPENDENCY_UNAVAILABLE'));
  });

  it('a leader without its template does not fail a session that another replica can start', async () => {
    const replica = await started();
    await replica.leadership.stop();
    const old = ofTheVersionBefore(replica);
    old.lifecycle.start();
    await old.leadership.start();
    await replica.clock.advance(10_000);
    replica.startAtOnce();
    const opened = { ...alice, scopes: ['gpu'] };
    await replica.lifecycle.sessions.open(ID, opened, { template: 'gpu' });
    await replica.clock.advance(1_000);
    await expect(replica.admit({ caller: opened })).resolves.toMatchObject({ generation: 1 });
  });

  it('a session whose template nobody has is failed before long, with that reason', async () => {
    const replica = (await started()).startAtOnce();
    const opened = { ...alice, scopes: ['gpu'] };
    jest.spyOn(replica.parts.templates, 'find').mockReturnValue(undefined);
    await replica.lifecycle.sessions.open(ID, opened, { template: 'gpu' });
    await replica.clock.advance(15_000);
    const status = await replica.lifecycle.sessions.status(ID, opened);
    expect(status).toMatchObject({ state: 'failed', lastFailure: { reason: 'TemplateGone' } });
  });
});
