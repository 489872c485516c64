import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';

const SESSIONS = 20;
const REQUESTS = 200;

describeWithControlPlane('three replicas that get the first requests of many sessions at once', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ replicas: 3 });
  }, 60_000);
  afterAll(() => fleet.stop());

  it('make one pod for each session, and answer every request from it', async () => {
    const ids = Array.from({ length: REQUESTS }, (_, at) => `single-${at % SESSIONS}`);
    const answers = await Promise.all(ids.map((id, at) => fleet.replicas[at % 3]!.execute(id, { at })));
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    for (const id of new Set(ids)) {
      const own = answers.filter((_, at) => ids[at] === id);
      expect(own.map(({ body }) => body.executions).sort((a, b) => Number(a) - Number(b))).toEqual(
        own.map((_, at) => at + 1),
      );
    }
    expect(await fleet.pods()).toHaveLength(SESSIONS);
    const writes = fleet.own.controlPlane
      .auditEvents(fleet.own.name)
      .filter(({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'pods' && !objectRef.subresource);
    const made = writes.filter(({ responseStatus }) => responseStatus?.code === 201);
    const refused = writes.filter(({ responseStatus }) => responseStatus?.code !== 201);
    expect(made).toHaveLength(SESSIONS);
    expect(refused.map(({ responseStatus }) => responseStatus?.code)).toEqual(refused.map(() => 409));
  }, 60_000);
});
