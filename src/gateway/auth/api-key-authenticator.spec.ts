import { createHash } from 'node:crypto';

import { RecordingLogger } from '../../../test/support/recording-logger.js';
import { ApiKeyAuthenticator } from './api-key-authenticator.js';
import { Authenticator, type Credentials } from './authenticator.js';

const KEY = 'k'.repeat(40);
const digestOf = (key: string): string => createHash('sha256').update(key).digest('hex');
const byToken = { owner: 'by-token', isAdmin: false, scopes: [] };

class Tokens extends Authenticator {
  authenticate() {
    return byToken;
  }
}

function setUp(scopes: string[] = []) {
  const logger = new RecordingLogger();
  const authenticator = new ApiKeyAuthenticator(new Tokens(), logger);
  authenticator.use(new Map([[digestOf(KEY), { name: 'ci', subject: 'ci', scopes }]]));
  const ask = (headers: Credentials['headers']): unknown => {
    try {
      return authenticator.authenticate({ headers });
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  return { authenticator, logger, ask };
}

describe('an API key', () => {
  it('speaks for its subject, with its scopes', () => {
    expect(setUp().ask({ 'x-api-key': KEY })).toEqual({ owner: 'ci', isAdmin: false, scopes: [] });
    const admin = setUp(['berth:admin', 'gpu']).ask({ 'x-api-key': KEY });
    expect(admin).toEqual({ owner: 'ci', isAdmin: true, scopes: ['berth:admin', 'gpu'] });
  });

  it('is refused as soon as it is gone', () => {
    const { authenticator, ask } = setUp();
    authenticator.use(new Map());
    expect(ask({ 'x-api-key': KEY })).toBe('UNAUTHENTICATED');
  });

  it.each([
    ['another key', `${KEY}x`],
    ['its digest', digestOf(KEY)],
    ['nothing', ''],
    ['two of them', [KEY, KEY]],
  ])('is not %s', (_, given) => {
    const { ask, logger } = setUp();
    expect(ask({ 'x-api-key': given })).toBe('UNAUTHENTICATED');
    expect(logger.of('auth.refused')).toEqual([expect.objectContaining({ reason: 'unknown-api-key' })]);
    expect(logger.text).not.toContain(KEY);
  });

  it('that a person could have thought of is none, whatever is held', () => {
    const { authenticator, ask } = setUp();
    authenticator.use(new Map([[digestOf('hunter2'), { name: 'weak', subject: 'weak', scopes: [] }]]));
    expect(ask({ 'x-api-key': 'hunter2' })).toBe('UNAUTHENTICATED');
  });

  it('is not looked at where there is a token, or where there is no key', () => {
    const { ask } = setUp();
    expect(ask({ 'x-api-key': KEY, authorization: 'Bearer t' })).toBe(byToken);
    expect(ask({})).toBe(byToken);
  });
});
