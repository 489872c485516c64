import { readFileSync } from 'node:fs';

import { executed } from '../support/answers.js';
import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { expectNoneFailed, expectOnePodEach, Load } from '../support/load.js';
import { RedisServer } from '../support/redis-server.js';
import { ClusterLogin } from '../support/vault/cluster-login.js';
import { configuredVault, expectNoSecrets, TEST_KEY } from '../support/vault/configured.js';
import { describeWithVault, type VaultServer } from '../support/vault/vault-server.js';

const PASSWORDS = ['the-first-password', 'the-second-password', 'the-third-password', 'the-fourth-password'] as const;
/** Of a token: renewed until its maximum, then another login. */
const TTL = { BERTH_TOKEN_TTL: '4s', BERTH_TOKEN_MAX_TTL: '10s' };
const MAXIMA = 5;

describeWithControlPlane('a replica that logs in as its service account,', () => {
  describeWithVault('with the password of Redis and its keys in Vault,', () => {
    let vault: VaultServer;
    let fleet: Fleet;
    let login: ClusterLogin;
    let berth: BerthProcess;
    let load: Load;

    beforeAll(async () => {
      const redis = await RedisServer.start(['--requirepass', PASSWORDS[0]], { password: PASSWORDS[0] });
      [vault, fleet] = await Promise.all([configuredVault(), Fleet.start({ redis, replicas: 0 })]);
      login = await ClusterLogin.setUp(vault, fleet.own, TTL);
      await vault.put('api/keys', TEST_KEY);
      await vault.put('redis/password', { password: PASSWORDS[0] });
      berth = await fleet.add(login.settings);
      const sessions = Array.from({ length: 5 }, (_, at) => `used-${at}`);
      for (const id of sessions) executed(await berth.execute(id, {}));
      load = new Load({ targets: () => [berth], sessions, perSecond: 10 }).start();
    }, 120_000);
    afterAll(async () => {
      await load?.stop();
      await login?.remove();
      await fleet?.stop();
      await vault?.remove();
    });

    const opened = async (id: string): Promise<void> => void executed(await berth.execute(id, {}));
    const logins = async (): Promise<number> =>
      Number(/^session_vault_logins_total (\d+)$/m.exec(await berth.metrics())?.[1]);
    const requirePass = (password: string) => fleet.redis.admin.config('SET', 'requirepass', password);
    const clients = async (): Promise<string[]> => {
      const list = String(await fleet.redis.admin.client('LIST'));
      return [...list.matchAll(/^id=(\d+) .*$/gm)].map(([, id]) => id!);
    };
    const said = (event: string): number => berth.logLines().filter((line) => line.event === event).length;

    it('goes on when its token is revoked: the next call logs in anew', async () => {
      const before = await logins();
      await vault.call('PUT', 'sys/leases/revoke-prefix/auth/kubernetes/login');
      await eventually(async () => expect(await logins()).toBeGreaterThan(before), 10_000);
      await eventually(() => expect(said('vault.token-gone')).toBeGreaterThan(0));
      expect(await berth.metrics()).toContain('session_vault_up 1');
    });

    it('takes a password that is changed in Redis first and then in Vault, and keeps its connections', async () => {
      const before = await clients();
      await requirePass(PASSWORDS[1]);
      await opened('between-1');
      await vault.put('redis/password', { password: PASSWORDS[1] });
      await eventually(() => expect(said('redis.password-changed')).toBe(1));
      await opened('after-1');
      expect(await clients()).toEqual(before);
    });

    it('takes one that is changed in Vault first, and is let in with either meanwhile', async () => {
      await vault.put('redis/password', { password: PASSWORDS[2] });
      await eventually(() => expect(said('redis.password-refused')).toBe(1));
      await opened('between-2');
      await requirePass(PASSWORDS[2]);
      await opened('after-2');
    });

    it('connects anew with the password of now, also when it is told of it only after it was refused', async () => {
      const hangUp = async (): Promise<void> => {
        await fleet.redis.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await fleet.redis.admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      };
      await hangUp();
      await eventually(() => opened('connected-anew'));
      await requirePass(PASSWORDS[3]);
      await hangUp();
      await eventually(() => expect(said('redis.away')).toBeGreaterThan(1), 10_000);
      await vault.put('redis/password', { password: PASSWORDS[3] });
      await eventually(() => opened('connected-again'), 10_000);
    }, 40_000);

    it('reads its account’s token from the file each time, and says when Vault does not take it', async () => {
      await login.showTokenOf('other');
      await eventually(async () => expect(await berth.metrics()).toContain('session_vault_up 0'), 20_000);
      const { status, text } = await berth.call('GET', '/health');
      expect([status, text]).toEqual([503, expect.stringContaining('"vault"')]);
      await login.showTokenOf('berth');
      await eventually(async () => expect(await berth.metrics()).toContain('session_vault_up 1'), 20_000);
    }, 50_000);

    it('has had the maximum of its token pass five times', async () => {
      // The first login was none, nor was the one after the token was revoked.
      await eventually(async () => expect(await logins()).toBeGreaterThanOrEqual(MAXIMA + 2), 90_000);
    }, 100_000);

    it('has failed no request of its sessions all the while', async () => {
      const answers = await load.stop();
      expectNoneFailed(answers);
      expectOnePodEach(answers);
    });

    it('has written no password, key or token into its log', () => {
      const jwt = readFileSync(login.jwtPath, 'utf8').trim();
      expectNoSecrets(berth.output(), [...PASSWORDS, TEST_KEY['token.test'], jwt, vault.token]);
    });
  });
});
