import { LifecycleError, MemoryLost, RuntimeUnavailable, StoreUnavailable } from '../lifecycle/lifecycle.errors.js';
import { HTTP_ERRORS } from './error-codes.js';
import { codeOf, GatewayError, problemOf } from './problem.js';

const context = { requestId: 'r-1', instance: '/api/v1/session/a', jitter: 0 };

describe('a problem', () => {
  it('has every field of RFC 9457, a stable code, and what helps', () => {
    const error = new LifecycleError('SESSION_START_FAILED', 'It does not start.', { reason: 'OOMKilled' });
    expect(problemOf(error, context)).toEqual({
      status: 503,
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'retry-after': '1' },
      body: {
        type: 'urn:berth:error:SESSION_START_FAILED',
        title: HTTP_ERRORS.SESSION_START_FAILED.title,
        status: 503,
        detail: 'It does not start.',
        instance: '/api/v1/session/a',
        code: 'SESSION_START_FAILED',
        requestId: 'r-1',
        reason: 'OOMKilled',
        retryAfterSeconds: 1,
      },
      isBug: false,
    });
  });

  it.each([
    [0, 10],
    [0.5, 13],
    [0.999, 15],
  ])('spreads clients that were refused together: chance %d waits %d s of 10', (jitter, seconds) => {
    const error = new GatewayError('RATE_LIMITED', 'Slow down.', { retryAfterMs: 10_000 });
    expect(problemOf(error, { ...context, jitter }).headers['retry-after']).toBe(String(seconds));
  });

  it('says when to come back for 429 and 503 and for nothing else', () => {
    for (const [code, { status }] of Object.entries(HTTP_ERRORS)) {
      const error = Object.assign(new LifecycleError('FORBIDDEN', ''), { code });
      const { headers } = problemOf(error, context);
      expect([code, 'retry-after' in headers]).toEqual([code, status === 429 || status === 503]);
    }
  });

  it('says what is allowed, and how to send a token', () => {
    const error = new GatewayError('METHOD_NOT_ALLOWED', '', { allow: ['GET', 'HEAD'] });
    expect(problemOf(error, context).headers.allow).toBe('GET, HEAD');
    expect(problemOf(new GatewayError('UNAUTHENTICATED', ''), context).headers).toHaveProperty('www-authenticate');
  });

  it.each([new StoreUnavailable('redis-1:6379'), new MemoryLost(), new RuntimeUnavailable('10.0.0.1')])(
    'is that something is away for %s, without its address',
    (error) => {
      const { status, body } = problemOf(error, context);
      expect([status, body.code]).toEqual([503, 'DEPENDENCY_UNAVAILABLE']);
      expect(body.detail).not.toMatch(/redis|10\.0/);
    },
  );

  it.each([new TypeError('inside'), 'a string', undefined, null])('is a mistake of ours for %p', (error) => {
    const { status, body, isBug } = problemOf(error, context);
    expect([status, body.code, isBug]).toEqual([500, 'INTERNAL', true]);
    expect(body.detail).toContain('r-1');
    expect(body.detail).not.toContain('inside');
    expect(codeOf(error)).toBe('INTERNAL');
  });
});
