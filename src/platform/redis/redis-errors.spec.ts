import { retryAfterMs } from './redis-connection.js';
import { RedisAway, replyCode, translated } from './redis-errors.js';

function reply(message: string, command?: object): Error {
  const error = Object.assign(new Error(message), { command });
  error.name = 'ReplyError';
  return error;
}

describe('an error of Redis', () => {
  it.each([
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica. script: 0f, on @user_script:9.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    "NOPERM User berth has no permissions to run the 'evalsha' command",
    'MISCONF Redis is configured to save RDB snapshots',
    'BUSY Redis is busy running a script.',
    'ERR max number of clients reached',
    "ERR The user executing the script can't run this command or subcommand script: 0f, on @user_script:9.",
  ])('is an outage, named and with its cause: %s', (message) => {
    const cause = reply(message);
    const error = translated(cause, 'cache:1');
    expect(error).toBeInstanceOf(RedisAway);
    expect(error).toMatchObject({ cause, message: expect.stringContaining(message) });
  });

  it('that did not come from the server is an outage', () => {
    expect(translated(new Error('Command timed out'), 'cache:1')).toBeInstanceOf(RedisAway);
    expect(translated(new Error('NOAUTH is what a socket said'), 'cache:1')).toBeInstanceOf(RedisAway);
  });

  it.each(['WRONGTYPE Operation against a key', 'ERR user_script:3: attempt to index a nil value'])(
    'that is our own mistake stays what it is: %s',
    (message) => {
      const error = reply(message);
      expect(translated(error, 'cache:1')).toBe(error);
      expect(replyCode(error)).toBe(message.split(' ')[0]);
    },
  );

  it('never carries what was sent: a password, or a session', () => {
    const refused = reply('WRONGPASS no', { name: 'hello', args: ['3', 'AUTH', 'default', 'secret'] });
    const error = translated(refused, 'cache:1');
    expect(JSON.stringify([error, { ...(error.cause as object) }])).not.toContain('secret');
    expect((error.cause as { command?: unknown }).command).toEqual({ name: 'hello' });
  });
});

describe('the pause before connecting again', () => {
  it('doubles up to two seconds, between half of it and all of it', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 100_000].map((times) => retryAfterMs(times, 1))).toEqual([
      50, 100, 200, 400, 800, 1_600, 2_000, 2_000,
    ]);
    expect(retryAfterMs(7, 0)).toBe(1_000);
  });
});
