import { factsOf, faultsOf, unfitness } from './redis-fitness.js';

describe('how a Redis server is set up', () => {
  it('is read from what INFO answers', () => {
    const answers = [
      '# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/a:b\r\n',
      '# Memory\r\nmaxmemory_policy:noeviction\r\n',
    ];
    expect(factsOf(answers)).toEqual({
      redis_version: '7.0.15',
      executable: '/usr/bin/a:b',
      maxmemory_policy: 'noeviction',
    });
  });

  it.each([
    [{ redis_mode: 'cluster', redis_version: '7.2.0' }, /Cluster/],
    [{ redis_mode: 'sentinel', redis_version: '7.2.0' }, /Sentinel/],
    [{ redis_mode: 'standalone', redis_version: '6.2.14' }, /6\.2\.14.*7\.0/],
  ])('%p cannot be used', (facts, sentence) => {
    expect(unfitness(facts)).toMatch(sentence);
  });

  it.each(['7.0.0', '7.4.1', '8.2.0', '10.0.0'])('version %s can', (version) => {
    expect(unfitness({ redis_mode: 'standalone', redis_version: version })).toBeUndefined();
  });

  it('is faulty where it evicts, forgets, or is a replica, with what to do', () => {
    const faults = faultsOf({ maxmemory_policy: 'volatile-lru', aof_enabled: '0', role: 'slave' });
    expect(faults.map(({ event }) => event)).toEqual(['redis.evicts', 'redis.not_persistent', 'redis.replica']);
    expect(faults[0]?.sentence).toMatch(/volatile-lru.*set maxmemory-policy to noeviction/);
  });

  it('is not faulty where nothing is known of it', () => {
    expect(faultsOf({})).toEqual([]);
  });
});
