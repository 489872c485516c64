import { connectionOptions, parseRedisUrl, shownAddress } from './redis-address.js';

describe('a Redis URL', () => {
  it.each([
    ['redis://cache', { host: 'cache', port: 6379 }],
    ['redis://cache:6380/2', { host: 'cache', port: 6380, db: 2 }],
    ['rediss://cache:6380', { host: 'cache', port: 6380, tls: true }],
    ['redis://:p%40ss%2Fword@cache', { host: 'cache', port: 6379, password: 'p@ss/word' }],
    ['redis://me:secret@10.0.0.1:1/0', { host: '10.0.0.1', port: 1, username: 'me', password: 'secret', db: 0 }],
    ['redis://[::1]:7000', { host: '::1', port: 7000 }],
  ])('%s says where the server is and who we are', (url, address) => {
    expect(parseRedisUrl(url)).toEqual(address);
  });

  it.each(['http://:secret@cache', 'cache:6379', 'redis://', 'redis://:secret@cache/x', '', 'redis://:secret@ca che'])(
    'that is none is refused without repeating it: %s',
    (url) => {
      const refused = (): unknown => parseRedisUrl(url);
      expect(refused).toThrow(/Redis URL/);
      expect(refused).not.toThrow(/secret/);
    },
  );
});

describe('the address of a server', () => {
  it('is shown without what must stay secret', () => {
    const address = { host: 'cache', port: 1, username: 'me', password: 'secret' };
    expect(shownAddress(address)).toBe('cache:1');
    expect(shownAddress({ ...address, host: '::1' })).toBe('[::1]:1');
  });

  it('is verified by name where it has one', () => {
    expect(connectionOptions({ host: 'cache', port: 1, tls: true }).tls).toEqual({ servername: 'cache' });
    expect(connectionOptions({ host: '10.0.0.1', port: 1, tls: { ca: 'PEM' } }).tls).toEqual({ ca: 'PEM' });
    expect(connectionOptions({ host: 'cache', port: 1, tls: false })).not.toHaveProperty('tls');
  });
});
