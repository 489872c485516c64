import { viewOf } from '../../../test/support/gateway/fake-sessions.js';
import { pageJson, sessionJson, sessionSchema } from './session-json.js';

const caller = { owner: 'ann', isAdmin: false, scopes: [] };
const admin = { ...caller, isAdmin: true };

function written(about = {}, by = caller): unknown {
  return JSON.parse(JSON.stringify(sessionJson(viewOf('a', about), by)));
}

describe('a session as JSON', () => {
  it('has the fields of the API and no others', () => {
    const lastFailure = { reason: 'OOMKilled', message: 'more than 512Mi', atMs: Date.UTC(2026, 0, 1) };
    expect(written({ expiresAtMs: Date.UTC(2026, 0, 2), lastFailure, endedBy: 'idle' })).toEqual({
      id: 'a',
      state: 'ready',
      generation: 2,
      restarts: 1,
      template: 'default',
      owner: 'ann',
      pod: { name: 'pod-of-a', node: 'here' },
      createdAt: '2026-01-01T12:00:00.005Z',
      lastActivityAt: '2026-01-01T12:01:00.000Z',
      dueAt: '2026-01-01T12:11:00.000Z',
      expiresAt: '2026-01-02T00:00:00.000Z',
      requests: 7,
      inFlight: 1,
      lastFailure: { reason: 'OOMKilled', message: 'more than 512Mi', at: '2026-01-01T00:00:00.000Z' },
    });
  });

  it('leaves out what there is not', () => {
    const json = written({ pod: undefined, dueAtMs: undefined });
    for (const field of ['pod', 'dueAt', 'expiresAt', 'lastFailure']) expect(json).not.toHaveProperty(field);
  });

  it('shows the address of a pod to an admin only', () => {
    expect(written({}, admin)).toHaveProperty('pod.address', '127.0.0.1:4711');
    expect(JSON.stringify(written())).not.toContain('4711');
  });

  it('is what its schema says', () => {
    expect(sessionSchema.strict().safeParse(written({}, admin)).error).toBeUndefined();
  });
});

it('a page names the next one where there is one', () => {
  const sessions = [viewOf('a'), viewOf('b')];
  expect(pageJson({ sessions, next: 'c' }, caller)).toMatchObject({ sessions: [{ id: 'a' }, { id: 'b' }], next: 'c' });
  expect(JSON.stringify(pageJson({ sessions: [] }, caller))).toBe('{"sessions":[]}');
});
