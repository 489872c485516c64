import type { WebSocket } from 'ws';

import { proxied } from '../support/answers.js';
import { type BerthProcess, startBerth } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { handshake, Handshakes } from '../support/handshakes.js';
import { nextMessage } from '../support/streams.js';
import { writeTemplates } from '../support/templates-file.js';
import {
  configuredVault,
  developmentToken,
  expectNoSecrets,
  rootOf,
  settingsFor,
  TEST_KEY,
  WITH_PKI,
} from '../support/vault/configured.js';
import { describeWithVault, type VaultServer } from '../support/vault/vault-server.js';

const LIFE_SECONDS = 30;
const SWAPS = 3;
/** Each comes at two thirds of a life at the latest. */
const SWAPPED_MS = SWAPS * LIFE_SECONDS * 1_000;

describeWithVault('a replica with its certificate from the PKI of Vault', () => {
  let vault: VaultServer;
  let berth: BerthProcess;
  let root: string;
  let token: string;

  beforeAll(async () => {
    vault = await configuredVault();
    token = await developmentToken(vault);
    await vault.put('api/keys', TEST_KEY);
    root = await rootOf(vault);
    const own = {
      VAULT_PKI_TTL_SECONDS: String(LIFE_SECONDS),
      TLS_HSTS_SECONDS: '60',
      TEMPLATES_PATH: writeTemplates(),
    };
    berth = await startBerth({ ...settingsFor(vault, token), ...WITH_PKI, ...own }, root);
    await berth.put('ws', { template: 'demo' });
  }, 90_000);
  afterAll(async () => {
    await berth?.stop();
    await vault?.remove();
  });

  it('speaks TLS with it, and says for how long', async () => {
    const answer = await berth.execute('one', { a: 1 });
    expect([answer.status, answer.headers['strict-transport-security']]).toEqual([200, 'max-age=60']);
    const { validToMs } = await handshake(berth.url, root);
    expect(await expiryMs()).toBe(validToMs);
    expect(validToMs - Date.now()).toBeLessThanOrEqual(LIFE_SECONDS * 1_000);
  });

  it(
    'swaps it again and again under open WebSockets and new connections: none is dropped, none is shown an old one',
    async () => {
      const sockets = await Promise.all(
        Array.from({ length: 5 }, () => berth.socket(proxied('ws', '/ws'), { as: 'alice' })),
      );
      const closed = sockets.filter((socket) => socket.on('close', () => closed.push(socket)) && false);
      const handshakes = new Handshakes(berth.url, root, 250);
      await eventually(async () => {
        for (const socket of sockets) expect(await echoed(socket)).toBe('still there');
        expect(handshakes.serials.length).toBeGreaterThan(SWAPS);
      }, SWAPPED_MS);
      for (const socket of sockets) expect(await echoed(socket)).toBe('still there');
      await handshakes.stop();
      expect([handshakes.refused, closed]).toEqual([[], []]);
      const expired = handshakes.shown.filter(({ validToMs, atMs }) => validToMs <= atMs);
      expect(expired).toEqual([]);
      // Metrics are asked for after the last handshake: a swap may come between.
      await eventually(async () => expect(await expiryMs()).toBe((await handshake(berth.url, root)).validToMs));
      expect(await berth.metrics()).toMatch(/^session_certificate_swaps_total [3-9]$/m);
      expect(await berth.call('GET', '/health')).toMatchObject({ status: 200 });
      for (const socket of sockets) socket.close();
    },
    2 * SWAPPED_MS,
  );

  it('gets another one at SIGHUP', async () => {
    const { serial } = await handshake(berth.url, root);
    berth.signal('SIGHUP');
    await eventually(async () => expect((await handshake(berth.url, root)).serial).not.toBe(serial));
  });

  it('has written neither key nor token into its log', () => {
    expectNoSecrets(berth.output(), [token, vault.token, TEST_KEY['token.test']]);
  });

  async function expiryMs(): Promise<number> {
    const line = /^session_certificate_expiry_timestamp_seconds (\S+)$/m.exec(await berth.metrics());
    return Number(line?.[1]) * 1_000;
  }
});

async function echoed(socket: WebSocket): Promise<unknown> {
  const answer = nextMessage(socket);
  socket.send('still there');
  return answer;
}
