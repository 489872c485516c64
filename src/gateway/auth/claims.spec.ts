import { identityOf } from './claims.js';

const NOW_MS = 1_800_000_000_000;
const exp = NOW_MS / 1_000 + 60;

function callerOf(claims: object) {
  return identityOf({ sub: 'ann', exp, ...claims }, NOW_MS).caller;
}

describe('who a token speaks for', () => {
  it('is issuer and subject', () => {
    expect(callerOf({ iss: 'https://id.example' }).owner).toBe('https://id.example|ann');
  });

  it('is the subject where there is no issuer', () => {
    expect(callerOf({}).owner).toBe('ann');
  });

  it('lasts until the token ends', () => {
    expect(identityOf({ sub: 'ann', exp }, NOW_MS).expiresAtMs).toBe(exp * 1_000);
  });

  it.each([
    [{ scope: 'a b' }, ['a', 'b']],
    [{ scope: '' }, []],
    [{ scp: ['a', 'b'] }, ['a', 'b']],
    [{ scp: 'a b' }, ['a', 'b']],
    [{ scopes: ['a', 'b'] }, ['a', 'b']],
    [{ scope: 'a', scp: ['b'], scopes: ['a', 'c'] }, ['a', 'b', 'c']],
    [{ scope: 7, scp: { a: 1 }, scopes: [null, 7, 'a'] }, ['a']],
    [{}, []],
  ])('reads the scopes of %j', (claims, scopes) => {
    expect(callerOf(claims).scopes).toEqual(scopes);
  });

  it('is an admin with the scope berth:admin and with no other', () => {
    expect(callerOf({ scope: 'x berth:admin' }).isAdmin).toBe(true);
    expect(callerOf({ scope: 'berth:administrator berth: admin' }).isAdmin).toBe(false);
    expect(callerOf({ admin: true, isAdmin: true }).isAdmin).toBe(false);
  });

  it.each([
    ['no expiry', { exp: undefined }, 'no-expiry'],
    ['an expiry that is text', { exp: String(exp) }, 'no-expiry'],
    ['an expiry that is no number', { exp: Infinity }, 'no-expiry'],
    ['an expiry that is now', { exp: NOW_MS / 1_000 }, 'expired'],
    ['no subject', { sub: undefined }, 'no-subject'],
    ['an empty subject', { sub: '' }, 'no-subject'],
    ['a subject that is no text', { sub: 7 }, 'no-subject'],
    ['a subject with a line break', { sub: 'a\nb' }, 'no-subject'],
    ['an endless subject', { sub: 'a'.repeat(2_000) }, 'no-subject'],
    ['an issuer that is no text', { iss: ['x'] }, 'malformed'],
  ])('refuses %s', (_, claims, reason) => {
    expect(() => callerOf(claims)).toThrow(expect.objectContaining({ reason }) as Error);
  });

  it.each([null, 'text', 7])('refuses a payload that is %j', (payload) => {
    expect(() => identityOf(payload, NOW_MS)).toThrow(expect.objectContaining({ reason: 'malformed' }) as Error);
  });
});
