import { refusalOf } from './vault-error.js';

describe('what Vault refuses', () => {
  it.each([
    [404, [], 'absent'],
    [403, ['permission denied'], 'denied'],
    [400, ['invalid role name'], 'refused'],
    [503, ['Vault is sealed'], 'sealed'],
    [503, ['local node not active but active cluster node not found'], 'away'],
    [500, ['internal error'], 'away'],
    [429, [], 'away'],
  ])('with %d and %j is %s', (statusCode, errors, trouble) => {
    expect(refusalOf({ statusCode, body: { errors } }, 'secret/data/x', [])).toMatchObject({ trouble });
  });

  it('is told without what was sent, and not at length', () => {
    const errors = ['cannot parse "a-jwt-of-some-length": ' + 'x'.repeat(1_000)];
    const { message } = refusalOf({ statusCode: 400, body: { errors } }, 'auth/k/login', ['a-jwt-of-some-length']);
    expect(message).toContain('(secret)');
    expect(message).not.toContain('a-jwt');
    expect(message.length).toBeLessThan(400);
  });

  it.each([undefined, '<html>', { errors: 'none' }])('may have no words: %j', (body) => {
    expect(refusalOf({ statusCode: 502, body }, 'x', []).message).toBe('Vault answers x with 502');
  });
});
