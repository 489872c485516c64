import { expectProblem } from '../support/answers.js';
import { ApiFront, type Asked } from '../support/api-front.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane, sharedControlPlane } from '../support/kubernetes/index.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const makesPod = ({ method, path }: Asked): boolean => method === 'POST' && /\/pods\b/.test(path);
const FORBIDDEN = { kind: 'Status', code: 403, message: 'pods is forbidden: User "berth" cannot create pods' };

describeWithControlPlane('a pod that is asked for', () => {
  let front: ApiFront;
  let fleet: Fleet;
  let replica: BerthProcess;

  beforeAll(async () => {
    front = await ApiFront.before(sharedControlPlane());
    fleet = await Fleet.start({ replicas: 0 });
    replica = await fleet.add(fleet.through(front.address));
    await fleet.untilLed();
  }, 60_000);
  afterAll(async () => {
    await fleet?.stop();
    await front?.close();
  });

  it('is made once although the answer to that is lost', async () => {
    const lost = front.answer(makesPod, 'lose the answer', 1);
    const answer = await replica.execute('answer-lost', {});
    expect(answer).toMatchObject({ status: 200, body: { executions: 1 } });
    expect(answer.headers['x-session-generation']).toBe('1');
    expect(lost.met).toBe(1);
    await fleet.expectMadeOnce('answer-lost');
  });

  it('is made once although the answers are lost again and again', async () => {
    const lost = front.answer(makesPod, 'lose the answer', 3);
    await replica.put('answers-lost');
    await eventually(async () => {
      expect(await replica.status('answers-lost')).toMatchObject({ body: { state: 'ready', generation: 1 } });
    }, 20_000);
    lost.callOff();
    await fleet.expectMadeOnce('answers-lost');
  }, 30_000);

  it.each([429, 500, 503, 504])(
    'is asked for again when the answer is %i, and who waits does not notice',
    async (status) => {
      const standing = front.answer(makesPod, { status, retryAfterSeconds: 1 }, 1);
      const answer = await replica.execute(`refused-once-${status}`, {});
      expect(answer).toMatchObject({ status: 200, body: { executions: 1 } });
      expect(answer.headers['x-session-generation']).toBe('1');
      expect(standing.met).toBe(1);
    },
  );

  it.each([
    ['401', { status: 401 }],
    ['403', { status: 403, body: FORBIDDEN }],
    ['429', { status: 429 }],
    ['500', { status: 500 }],
  ])(
    'fails nobody while every answer is %s, and is made afterwards',
    async (status, instead) => {
      const id = `refused-${status}`;
      const standing = front.answer(makesPod, instead);
      expectProblem(await replica.execute(id, {}), 503, 'DEPENDENCY_UNAVAILABLE');
      const shown = await replica.status(id);
      expect(shown).toMatchObject({ body: { state: 'creating', generation: 1 } });
      expect(shown.body.lastFailure).toBeUndefined();
      standing.callOff();
      await eventually(async () => {
        expect(await replica.status(id)).toMatchObject({ body: { state: 'ready', generation: 1 } });
      }, 20_000);
      await fleet.expectMadeOnce(id);
    },
    40_000,
  );

  it('is made by a slow API server as by any other', async () => {
    const proxy = await TcpProxy.to(sharedControlPlane().url);
    const slowed = await fleet.add(fleet.through(proxy.address));
    proxy.set({ lateMs: 250 });
    expect(await slowed.execute('slow-answers', {})).toMatchObject({ status: 200, body: { executions: 1 } });
    await fleet.expectMadeOnce('slow-answers');
    fleet.forget(slowed);
    await slowed.kill9();
    proxy.close();
  }, 40_000);
});
