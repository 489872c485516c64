import { RecordingLogger } from '../../test/support/recording-logger.js';
import { HeldSecret, type Reading } from './held-secret.js';

function setUp() {
  const logger = new RecordingLogger();
  const readings: { next: Reading | Error } = { next: { version: '1', fields: { password: 'first-hunter' } } };
  const read = (): Promise<Reading> =>
    readings.next instanceof Error ? Promise.reject(readings.next) : Promise.resolve(readings.next);
  const secret = new HeldSecret<string>({
    name: 'redis-password',
    source: { place: 'secret/redis/password', read },
    parse: ({ password }) => {
      if (typeof password !== 'string') throw new Error('the field password is missing');
      return password;
    },
    logger,
  });
  const told: string[] = [];
  secret.onChange((value) => told.push(value));
  return { logger, readings, secret, told };
}

describe('a held secret', () => {
  it('is given to nobody before it was read', async () => {
    const { secret, told } = setUp();
    expect(() => secret.value).toThrow('redis-password');
    await secret.refresh();
    expect(secret.value).toBe('first-hunter');
    expect(told).toEqual([]);
  });

  it('tells of a change, and of nothing when only the version is another', async () => {
    const { secret, readings, told, logger } = setUp();
    await secret.refresh();
    readings.next = { version: '2', fields: { password: 'second-hunter' } };
    await secret.refresh();
    readings.next = { version: '3', fields: { password: 'second-hunter' } };
    await secret.refresh();
    expect(told).toEqual(['second-hunter']);
    expect([secret.value, secret.version]).toEqual(['second-hunter', '3']);
    expect(logger.of('secret.changed')).toEqual([expect.objectContaining({ secret: 'redis-password', version: '2' })]);
  });

  it.each([
    ['cannot be read', new Error('Vault is sealed')],
    ['is not usable', { version: '2', fields: { pasword: 'second-hunter' } }],
  ])('stays what it was when the next %s, and says so once', async (_, next) => {
    const { secret, readings, told, logger } = setUp();
    await secret.refresh();
    readings.next = next;
    await expect(secret.refresh()).rejects.toThrow();
    await expect(secret.refresh()).rejects.toThrow();
    expect([secret.value, secret.version, told]).toEqual(['first-hunter', '1', []]);
    expect(secret.whatIsWrong()).toBeDefined();
    expect(logger.of('secret.unusable')).toHaveLength(1);
    readings.next = { version: '3', fields: { password: 'third-hunter' } };
    await secret.refresh();
    expect(secret.whatIsWrong()).toBeUndefined();
    expect(logger.of('secret.usable')).toHaveLength(1);
    expect(told).toEqual(['third-hunter']);
  });

  it('is in no log line', async () => {
    const { secret, readings, logger } = setUp();
    await secret.refresh();
    readings.next = { version: '2', fields: { password: 'second-hunter' } };
    await secret.refresh();
    readings.next = { version: '3', fields: { other: 'third-hunter' } };
    await secret.refresh().catch(() => undefined);
    expect(logger.lines.length).toBeGreaterThan(1);
    expect(logger.text).not.toContain('hunter');
  });
});
