import { accessKeysOf } from './access-keys.js';

const SECRET = 'a-key-of-thirty-two-bytes-or-more';
const DIGEST = 'ab'.repeat(32);
const ci = { sha256: DIGEST, subject: 'ci', scopes: ['berth:admin'] };

describe('the keys of callers', () => {
  it('are one field each: tokens by kid, API keys by name', () => {
    const { tokenKeys, apiKeys } = accessKeysOf({ 'token.2026-11': SECRET, 'api-key.ci': JSON.stringify(ci) });
    expect(tokenKeys).toEqual([{ kid: '2026-11', secret: SECRET }]);
    expect([...apiKeys]).toEqual([[DIGEST, { name: 'ci', subject: 'ci', scopes: ['berth:admin'] }]]);
  });

  it('may be objects, and may have no scopes', () => {
    const { apiKeys } = accessKeysOf({ 'api-key.ci': { sha256: DIGEST.toUpperCase(), subject: 'ci' } });
    expect(apiKeys.get(DIGEST)).toEqual({ name: 'ci', subject: 'ci', scopes: [] });
  });

  it('may be none', () => {
    expect(accessKeysOf({})).toEqual({ tokenKeys: [], apiKeys: new Map() });
  });

  it.each([
    ['a field of another name', { 'token.a': SECRET, password: SECRET }, 'field 2 is neither'],
    ['a key that is the name of its field', { 'token.main:short-and-secret': null }, 'field 1 is neither'],
    ['a key that is too short', { 'token.a': 'short-and-secret' }, 'token.a'],
    ['a key that is no text', { 'token.a': 7 }, 'token.a'],
    ['an API key that is no JSON', { 'api-key.ci': 'short-and-secret' }, 'api-key.ci'],
    ['an API key as itself', { 'api-key.ci': { ...ci, sha256: 'short-and-secret' } }, 'sha256'],
    ['a subject with a line break', { 'api-key.ci': { ...ci, subject: 'a\nb' } }, 'subject'],
    ['an API key of nobody', { 'api-key.ci': { sha256: DIGEST } }, 'subject'],
    ['a word too many', { 'api-key.ci': { ...ci, key: 'short-and-secret' } }, 'api-key.ci'],
  ])('with %s are refused, without a word of what is secret', (_, fields, name) => {
    const refused = (): unknown => accessKeysOf(fields);
    expect(refused).toThrow(name);
    expect(refused).not.toThrow('short-and-secret');
  });
});
