import { setTimeout as pause } from 'node:timers/promises';

import { executed } from '../support/answers.js';
import { BerthProcess, startBerth, untilReady } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { handshake } from '../support/handshakes.js';
import { describeWithControlPlane, ownNamespace, type OwnNamespace } from '../support/kubernetes/index.js';
import { freePort } from '../support/kubernetes/free-port.js';
import { Launched, logLines } from '../support/launched.js';
import { expectNoneFailed, Load } from '../support/load.js';
import { ClusterLogin } from '../support/vault/cluster-login.js';
import { apiKey, configuredVault, expectNoSecrets, rootOf, TEST_KEY, WITH_PKI } from '../support/vault/configured.js';
import { describeWithVault, type VaultServer } from '../support/vault/vault-server.js';

const AWAY_MS = 60_000;
/** Its renewal is due while Vault is away, and it outlives that. */
const CERTIFICATE_SECONDS = 90;
/** Ends while Vault is away. */
const TTL = { BERTH_TOKEN_TTL: '15s', BERTH_TOKEN_MAX_TTL: '10m' };
const late = apiKey('late', 'late-comer');
/** The longest pause between two tries, and what it takes to do all of it. */
const BACK_MS = 40_000;

interface Scene {
  vault: VaultServer;
  login: ClusterLogin;
  own: OwnNamespace;
}

async function setUp(): Promise<Scene> {
  const [vault, own] = await Promise.all([configuredVault(), ownNamespace({ prefix: 'vault' })]);
  return { vault, own, login: await ClusterLogin.setUp(vault, own, TTL) };
}

/** Not once a try: it is told again only when there is something new to tell, as when who was away is sealed. */
function expectToldOnce(berth: BerthProcess, event: string): void {
  const told = berth.logLines().filter((line) => line.event === event);
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThanOrEqual(3);
}

async function tearDown({ vault, login, own }: Scene): Promise<void> {
  await login.remove();
  await own.remove();
  await vault.remove();
}

describeWithControlPlane('Vault', () => {
  describeWithVault('away for a minute', () => {
    const scenes: Scene[] = [];
    const replicas: BerthProcess[] = [];
    const loads: Load[] = [];
    afterAll(async () => {
      await Promise.all(loads.map((load) => load.stop()));
      await Promise.all(replicas.map((berth) => berth.stop()));
      await Promise.all(scenes.map(tearDown));
    });

    async function inUse() {
      const scene = await setUp();
      scenes.push(scene);
      const { vault, login } = scene;
      await vault.put('api/keys', TEST_KEY);
      const root = await rootOf(vault);
      const own = { VAULT_PKI_TTL_SECONDS: String(CERTIFICATE_SECONDS), VAULT_TIMEOUT_SECONDS: '2' };
      const berth = await startBerth({ ...login.settings, ...WITH_PKI, ...own }, root);
      replicas.push(berth);
      const load = new Load({ targets: () => [berth], sessions: ['a', 'b'], perSecond: 5 }).start();
      loads.push(load);
      return { vault, berth, load, root };
    }

    const level = async (berth: BerthProcess, name: string): Promise<string | undefined> =>
      new RegExp(`^${name} (\\S+)$`, 'm').exec(await berth.metrics())?.[1];

    async function serveThrough(
      leave: (vault: VaultServer) => Promise<void>,
      comeBack: (vault: VaultServer) => Promise<void>,
      why: RegExp,
    ) {
      const { vault, berth, load, root } = await inUse();
      const before = await handshake(berth.url, root);
      await leave(vault);
      const leftAtMs = Date.now();
      await eventually(async () => expect(await level(berth, 'session_vault_up')).toBe('0'), 10_000);
      const { status, text } = await berth.call('GET', '/health');
      expect([status, text]).toEqual([503, expect.stringMatching(why)]);
      expect(await berth.call('GET', '/health/ready')).toMatchObject({ status: 200 });
      await pause(AWAY_MS - (Date.now() - leftAtMs));
      executed(await berth.execute('opened-meanwhile', {}));
      expect((await handshake(berth.url, root)).serial).toBe(before.serial);
      expectToldOnce(berth, 'certificate.unusable');
      await comeBack(vault);
      await vault.put('api/keys', { ...TEST_KEY, ...late.field });
      await eventually(async () => {
        expect(await level(berth, 'session_vault_up')).toBe('1');
        expect((await handshake(berth.url, root)).serial).not.toBe(before.serial);
        const asked = { headers: { 'x-api-key': late.key } };
        expect(await berth.call('GET', '/api/v1/sessions', asked)).toMatchObject({ status: 200 });
        expect(await berth.call('GET', '/health')).toMatchObject({ status: 200 });
      }, BACK_MS);
      const answers = await load.stop();
      expectNoneFailed(answers);
      expect(answers.length).toBeGreaterThan((AWAY_MS / 1_000) * 4);
      expectToldOnce(berth, 'vault.away');
      expectNoSecrets(berth.output(), [TEST_KEY['token.test'], late.key, vault.token]);
    }

    it.concurrent(
      'stopped, fails no request, is told of, and is found again by itself with all that was due meanwhile',
      () =>
        serveThrough(
          (vault) => vault.stop(),
          async (vault) => {
            await vault.startAgain();
            await vault.unseal();
          },
          /does not answer/,
        ),
      180_000,
    );

    it.concurrent(
      'sealed, fails no request, is told of, and is found again by itself with all that was due meanwhile',
      () =>
        serveThrough(
          (vault) => vault.seal(),
          (vault) => vault.unseal(),
          /sealed/,
        ),
      180_000,
    );

    it.concurrent(
      'at the start of a replica is waited for, with the reason, and nothing is served before all is there',
      async () => {
        const scene = await setUp();
        scenes.push(scene);
        const { vault, login } = scene;
        await vault.stop();
        const metricsPort = await freePort();
        const launched = new Launched({
          ...login.settings,
          METRICS_PORT: String(metricsPort),
          PORT: String(await freePort()),
        });
        const waits = (event: string, word: RegExp) =>
          launched.find((line) => line.event === event && word.test(String(line.msg)));
        await waits('vault.away', /does not answer/);
        const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
        expect(await metrics.text()).toMatch(/^session_vault_up 0$/m);
        process.kill(launched.pid, 'SIGHUP');
        await vault.startAgain();
        await waits('vault.away', /sealed/);
        await vault.unseal();
        await waits('secret.unusable', /access-keys .*nothing at secret\/data\/api\/keys/);
        await vault.put('api/keys', { 'token.short': 'too-short' });
        await waits('secret.unusable', /token\.short/);
        expect(logLines(launched.output).filter(({ event }) => event === 'listening')).toEqual([]);
        await vault.put('api/keys', TEST_KEY);
        const { port } = await launched.find(({ event }) => event === 'listening');
        const berth = new BerthProcess(launched, { port: Number(port), metricsPort });
        replicas.push(berth);
        await untilReady(berth);
        executed(await berth.execute('first', {}));
        expectNoSecrets(launched.output, [TEST_KEY['token.test'], 'too-short', vault.token]);
      },
      120_000,
    );
  });
});
