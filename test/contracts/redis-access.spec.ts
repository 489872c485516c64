import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { StoreUnavailable } from '../../src/lifecycle/lifecycle.errors.js';
import { parseRedisUrl, type RedisAddress } from '../../src/platform/redis/redis-address.js';
import { RedisUnfit } from '../../src/platform/redis/redis-errors.js';
import { eventually } from '../support/eventually.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { RedisServer, withRedis } from '../support/redis-server.js';
import { opened, RedisReplicas, usable } from './redis-harness.js';

const PASSWORD = 'a-pässword/with:every@thing';

withRedis(() => {
  let server: RedisServer | undefined;
  afterEach(async () => {
    await server?.remove();
    server = undefined;
  });
  const replicas = new RedisReplicas(() => server!);
  const worksAt = async (address: Partial<RedisAddress>): Promise<void> => {
    const store = await replicas.connected({ address });
    await usable(store);
    await opened(store, 's');
  };

  describe('a server that asks for a password', () => {
    const guarded = () => RedisServer.start(['--requirepass', PASSWORD], { password: PASSWORD });

    it('is used with it', async () => {
      server = await guarded();
      await worksAt({ password: PASSWORD });
      await worksAt(parseRedisUrl(`redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/0`));
    });

    it.each([
      ['a wrong one', 'not-the-pass', 'WRONGPASS'],
      ['none', undefined, 'NOAUTH'],
    ])('is away with %s, which is named without the password', async (_, password, word) => {
      server = await guarded();
      const logger = new RecordingLogger();
      const store = replicas.store({ address: { password }, logger });
      const connecting = store.connect().catch((error: unknown) => error);
      await eventually(() => expect(logger.of('redis.away')).toHaveLength(1));
      expect(logger.text).toContain(word);
      expect(logger.text).not.toContain('not-the-pass');
      await store.close();
      await connecting;
    });

    const OURS = [
      '~session*',
      '&sessions:*',
      '+@read',
      '+@write',
      '+@scripting',
      '+@pubsub',
      '+@connection',
      '+info',
      '+time',
    ];
    const user = (...rules: string[]) => server!.admin.call('ACL', 'SETUSER', 'berth', 'on', '>secret', ...rules);
    const address = { username: 'berth', password: 'secret' };

    it('may know us as a user who has only what is needed', async () => {
      server = await RedisServer.start();
      await user(...OURS);
      await worksAt(address);
    });

    it.each([
      ['the scripts', '-evalsha'],
      ['a part of them', '-zadd'],
      ['listening', '-subscribe'],
      ['the facts of the server', '-info'],
    ])('is away as long as it does not let us have %s, and says so', async (_, forbidden) => {
      server = await RedisServer.start();
      await user(...OURS, forbidden);
      const logger = new RecordingLogger();
      const store = replicas.store({ address, logger });
      const connecting = store.connect();
      if (forbidden === '-zadd') {
        await connecting.then(() => usable(store));
        await expect(opened(store, 's')).rejects.toThrow(StoreUnavailable);
      } else {
        await eventually(() => expect(logger.of('redis.away')).toHaveLength(1));
        expect(logger.text).toMatch(/NOPERM/);
      }
      await user(...OURS);
      await connecting;
      await usable(store);
      await opened(store, 's');
    });
  });

  describe('a server that speaks TLS', () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-redis-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    beforeAll(() => {
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
      const how = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
      execFileSync('openssl', [...how, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
    });
    afterAll(() => rmSync(folder, { recursive: true }));
    const secured = () => {
      const tls = ['--tls-port', '{port}', '--port', '0', '--tls-auth-clients', 'no'];
      const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
      return RedisServer.start([...tls, ...files], { tls: { ca: readFileSync(cert) } });
    };

    it.each(['127.0.0.1', 'localhost'])('is used as %s when its authority is trusted', async (host) => {
      server = await secured();
      await worksAt({ host, tls: { ca: readFileSync(cert, 'utf8') } });
    });

    it('is away when its certificate is of an unknown authority', async () => {
      server = await secured();
      const logger = new RecordingLogger();
      const store = replicas.store({ address: { tls: true }, logger });
      const connecting = store.connect().catch((error: unknown) => error);
      await eventually(() => expect(logger.text).toMatch(/self-signed certificate/));
      await store.close();
      await connecting;
    });
  });

  describe('how a server is set up', () => {
    const eventsOf = async (settings: readonly string[]): Promise<(string | undefined)[]> => {
      server = await RedisServer.start(settings);
      const logger = new RecordingLogger();
      await replicas.connected({ logger });
      for (const { sentence } of logger.lines) expect(sentence).toContain(`127.0.0.1:${server.port}`);
      return logger.lines.map(({ level, event }) => `${level} ${event}`);
    };

    it('is nothing to speak of when it is right', async () => {
      expect(await eventsOf(['--maxmemory', '100mb', '--maxmemory-policy', 'noeviction'])).toEqual([]);
    });

    it('is warned of when it evicts sessions', async () => {
      expect(await eventsOf(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'])).toEqual([
        'warn redis.evicts',
      ]);
    });

    it('is warned of when it keeps nothing over a restart', async () => {
      expect(await eventsOf(['--appendonly', 'no'])).toEqual(['warn redis.not_persistent']);
    });

    it('is refused when it is a cluster', async () => {
      server = await RedisServer.start(['--cluster-enabled', 'yes']);
      await expect(replicas.connected()).rejects.toThrow(RedisUnfit);
    });
  });
});
