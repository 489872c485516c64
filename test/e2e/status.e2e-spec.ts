import { expectProblem, proxied } from '../support/answers.js';
import { startBerth, type BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { eventOf, serverEvents, type ServerEvent } from '../support/streams.js';
import { writeTemplates } from '../support/templates-file.js';

const RFC_3339_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

interface Listed {
  sessions: { id: string; state: string; owner: string; template: string }[];
  next?: string;
}

describe('what can be seen of sessions', () => {
  let berth: BerthProcess;
  beforeAll(async () => {
    berth = await startBerth({ TEMPLATES_PATH: writeTemplates() });
  });

  describe('the status', () => {
    it('shows all that the contract names, and the address to nobody but admins', async () => {
      for (const call of [1, 2, 3]) await berth.execute('shown', call);
      const { status, body } = await berth.status('shown');
      expect(status).toBe(200);
      expect(body).toEqual({
        id: 'shown',
        state: 'ready',
        generation: 1,
        restarts: 0,
        template: 'default',
        owner: 'alice',
        pod: expect.objectContaining({ name: expect.any(String) }),
        createdAt: expect.stringMatching(RFC_3339_UTC),
        lastActivityAt: expect.stringMatching(RFC_3339_UTC),
        dueAt: expect.stringMatching(RFC_3339_UTC),
        requests: expect.any(Number),
        inFlight: 0,
      });
      expect(body.pod).not.toHaveProperty('address');
      expect(Date.parse(body.dueAt as string) - Date.parse(body.lastActivityAt as string)).toBe(600_000);
    });

    it('names the issuer with the owner when tokens carry one', async () => {
      const as = { subject: 'alice', issuer: 'https://issuer.example' };
      const { body } = await berth.put('issued', {}, { as });
      expect(body.owner).toBe('https://issuer.example|alice');
    });

    it('counts requests', async () => {
      for (const call of [1, 2, 3]) await berth.execute('counted', call);
      await eventually(async () => expect((await berth.status('counted')).body.requests).toBe(3), 8_000);
    });

    it('counts what is in flight', async () => {
      await berth.put('busy', { template: 'demo' });
      const stream = await berth.open('GET', proxied('busy', '/events'), { as: 'alice' });
      expect((await berth.status('busy')).body.inFlight).toBe(1);
      stream.body.on('error', () => undefined).destroy();
      await eventually(async () => expect((await berth.status('busy')).body.inFlight).toBe(0));
    });

    it('never creates and never touches', async () => {
      expectProblem(await berth.status('unknown'), 404, 'SESSION_NOT_FOUND');
      expectProblem(await berth.status('unknown'), 404, 'SESSION_NOT_FOUND');
      await berth.execute('untouched', 1);
      const { body: before } = await berth.status('untouched');
      for (const path of ['status', 'logs']) {
        await berth.call('GET', `/api/v1/session/untouched/${path}`, { as: 'alice' });
      }
      await berth.call('GET', '/api/v1/sessions', { as: 'alice' });
      expect((await berth.status('untouched')).body).toEqual(before);
    });
  });

  describe('the list', () => {
    const list = async (
      query: string,
      as: Parameters<BerthProcess['status']>[1] = { as: 'lister' },
    ): Promise<Listed> => {
      const answer = await berth.call('GET', `/api/v1/sessions${query}`, as);
      expect(answer.status).toBe(200);
      return answer.body as unknown as Listed;
    };
    const ids = ({ sessions }: Listed): string[] => sessions.map(({ id }) => id).sort();
    beforeAll(async () => {
      const as = 'lister';
      await Promise.all(['l1', 'l2', 'l3'].map((id) => berth.execute(id, 1, { as })));
      await Promise.all(['l4', 'l5'].map((id) => berth.put(id, { template: 'demo' }, { as })));
      await berth.put('elsewhere', {}, { as: 'somebody' });
    });

    it('has the sessions of the caller, in the shape of the status', async () => {
      const all = await list('');
      expect(ids(all)).toEqual(['l1', 'l2', 'l3', 'l4', 'l5']);
      const { body: status } = await berth.status('l1', { as: 'lister' });
      expect(all.sessions.find(({ id }) => id === 'l1')).toEqual(status);
    });

    it('comes in pages that together have each session once', async () => {
      const seen: string[] = [];
      let page = await list('?limit=2');
      for (;;) {
        expect(page.sessions.length).toBeLessThanOrEqual(2);
        seen.push(...ids(page));
        if (page.next === undefined) break;
        page = await list(`?limit=2&cursor=${encodeURIComponent(page.next)}`);
      }
      expect(seen.sort()).toEqual(['l1', 'l2', 'l3', 'l4', 'l5']);
    });

    it('can be filtered', async () => {
      expect(ids(await list('?template=demo'))).toEqual(['l4', 'l5']);
      expect(ids(await list('?state=failed'))).toEqual([]);
      await berth.end('l5', { as: 'lister' });
      expect(ids(await list('?template=demo'))).toEqual(['l4']);
      await eventually(async () => expect(ids(await list('?state=ready'))).toEqual(['l1', 'l2', 'l3', 'l4']));
    });

    it('shows an admin everybody’s, or one owner’s', async () => {
      const as = { as: { subject: 'root', scope: 'berth:admin' } };
      expect(ids(await list('?limit=100', as))).toEqual(expect.arrayContaining(['elsewhere', 'l1']));
      expect(ids(await list('?owner=somebody', as))).toEqual(['elsewhere']);
    });

    it('shows others nothing of an owner they name', async () => {
      const answer = await berth.call('GET', '/api/v1/sessions?owner=somebody', { as: 'lister' });
      expect(JSON.stringify(answer.body)).not.toContain('elsewhere');
    });

    it.each(['?limit=0', '?limit=x', '?limit=-1', '?state=happy', '?cursor=%00%01'])('refuses %s', async (query) => {
      const answer = await berth.call('GET', `/api/v1/sessions${query}`, { as: 'lister' });
      expectProblem(answer, 400, 'INVALID_REQUEST');
    });
  });

  describe('events', () => {
    const path = '/api/v1/session/eventful/events';

    it('tell every move of a session, with its status, from now to the end', async () => {
      await berth.execute('eventful', 1);
      const answer = await berth.open('GET', path, { as: 'alice' });
      expect(answer.headers['content-type']).toMatch(/^text\/event-stream/);
      const events = serverEvents(answer.body);
      const now = (await events.next()).value as ServerEvent;
      expect({ ...now, data: JSON.parse(now.data) as object }).toMatchObject({
        event: 'ready',
        data: { id: 'eventful', state: 'ready', generation: 1 },
      });
      await berth.end('eventful');
      expect(JSON.parse((await eventOf(events, 'terminating')).data)).toMatchObject({ state: 'terminating' });
      expect(JSON.parse((await eventOf(events, 'ended')).data)).toMatchObject({ state: 'ended' });
      answer.body.on('error', () => undefined).destroy();
    });

    it('of an id that never was are 404', async () => {
      const answer = await berth.call('GET', '/api/v1/session/never/events', { as: 'alice' });
      expectProblem(answer, 404, 'SESSION_NOT_FOUND');
    });
  });

  it('does not include logs of an id that never was', async () => {
    const answer = await berth.call('GET', '/api/v1/session/never/logs', { as: 'alice' });
    expectProblem(answer, 404, 'SESSION_NOT_FOUND');
  });
});
