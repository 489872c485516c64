import { FakeClock } from '../../test/support/fake-clock.js';
import { FakeRandomness } from '../../test/support/fake-randomness.js';
import { RecordingLogger } from '../../test/support/recording-logger.js';
import type { TokenLease } from './login.js';
import { VaultAccess } from './vault-access.js';
import type { VaultAnswer, VaultAsk } from './vault-client.js';
import { VaultError } from './vault-error.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Vault as far as tokens go: each has an end and a maximum, and may be taken away. */
class FakeVault {
  readonly asked: string[] = [];
  logins = 0;
  renewals = 0;
  isAway = false;
  mayLogIn = true;
  mayRead = true;
  lifeMs = HOUR;
  maximumMs = 24 * HOUR;
  private readonly tokens = new Map<string, { endsAtMs: number; latestMs: number }>();

  constructor(private readonly clock: FakeClock) {}

  login = (): Promise<TokenLease> => {
    if (this.isAway) return Promise.reject(new VaultError('away', 'Vault does not answer'));
    if (!this.mayLogIn) return Promise.reject(new VaultError('refused', 'invalid role name'));
    const token = `token-${++this.logins}`;
    const nowMs = this.clock.monotonicMs();
    this.tokens.set(token, { endsAtMs: nowMs + this.lifeMs, latestMs: nowMs + this.maximumMs });
    return Promise.resolve({ token, lifeMs: this.lifeMs, isRenewable: true });
  };

  ask = ({ path, token }: VaultAsk): Promise<VaultAnswer> => {
    this.asked.push(path);
    if (this.isAway) return Promise.reject(new VaultError('away', 'Vault does not answer'));
    const held = this.tokens.get(token ?? '');
    const lives = held !== undefined && held.endsAtMs > this.clock.monotonicMs();
    if (!lives || (!this.mayRead && path.startsWith('secret'))) {
      return Promise.reject(new VaultError('denied', `Vault answers ${path} with 403`));
    }
    return Promise.resolve(path === 'auth/token/renew-self' ? this.renew(token!, held) : { data: { path } });
  };

  close = (): Promise<void> => Promise.resolve();

  revokeAll(): void {
    this.tokens.clear();
  }

  private renew(token: string, held: { endsAtMs: number; latestMs: number }): VaultAnswer {
    this.renewals += 1;
    const nowMs = this.clock.monotonicMs();
    held.endsAtMs = Math.min(nowMs + this.lifeMs, held.latestMs);
    return { auth: { client_token: token, lease_duration: (held.endsAtMs - nowMs) / 1_000, renewable: true } };
  }
}

async function setUp(change: (vault: FakeVault) => void = () => undefined) {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const vault = new FakeVault(clock);
  change(vault);
  const access = new VaultAccess(vault, vault.login, { clock, randomness: new FakeRandomness(), logger });
  const opened = access.open();
  await clock.advance(1);
  return { clock, logger, vault, access, opened };
}

const read = { path: 'secret/data/x' };

describe('the standing with Vault', () => {
  it('is one login, whose token is renewed for as long as it may be', async () => {
    const { clock, vault, access } = await setUp();
    await clock.advance(20 * HOUR);
    expect(vault.logins).toBe(1);
    expect(vault.renewals).toBeGreaterThanOrEqual(30);
    await expect(access.ask(read)).resolves.toEqual({ data: read });
  });

  it('is never without a token, however often the maximum of one is reached', async () => {
    const { clock, vault, access } = await setUp((one) => Object.assign(one, { lifeMs: 4_000, maximumMs: 10_000 }));
    for (let at = 0; at < 300; at += 1) {
      await clock.advance(250);
      await access.ask(read);
    }
    expect(vault.logins).toBeGreaterThanOrEqual(7);
    expect(vault.asked).not.toContain('auth/token/lookup-self');
  });

  it('is found again by the first call after the token was taken away, which does not fail', async () => {
    const { vault, access, logger } = await setUp();
    vault.revokeAll();
    await expect(Promise.all([access.ask(read), access.ask(read)])).resolves.toHaveLength(2);
    expect(vault.logins).toBe(2);
    expect(logger.of('vault.token-gone')).toHaveLength(1);
  });

  it('is found again by the next renewal where nobody asks', async () => {
    const { clock, vault, logger } = await setUp();
    vault.revokeAll();
    await clock.advance(HOUR);
    expect(vault.logins).toBe(2);
    expect(logger.of('vault.token-gone')).toHaveLength(1);
  });

  it('is not given up for what a policy denies', async () => {
    const { vault, access } = await setUp();
    vault.mayRead = false;
    await expect(access.ask(read)).rejects.toMatchObject({ trouble: 'denied' });
    expect(vault.logins).toBe(1);
    expect(access.whatIsWrong()).toBeUndefined();
  });

  it('comes back by itself after an outage in which the token ended', async () => {
    const { clock, vault, access, logger } = await setUp((one) => Object.assign(one, { lifeMs: MINUTE }));
    vault.isAway = true;
    await clock.advance(10 * MINUTE);
    expect(access.whatIsWrong()).toContain('does not answer');
    await expect(access.ask(read)).rejects.toMatchObject({ trouble: 'away' });
    vault.isAway = false;
    await clock.advance(30_000);
    await expect(access.ask(read)).resolves.toEqual({ data: read });
    expect(access.whatIsWrong()).toBeUndefined();
    expect(logger.of('vault.away')).toHaveLength(1);
    expect(logger.of('vault.back')).toHaveLength(1);
  });

  it('is waited for at the start, with the reason in the log each time that it is another', async () => {
    const { clock, vault, logger, opened, access } = await setUp((one) => (one.isAway = true));
    let isOpen = false;
    void opened.then(() => (isOpen = true));
    await clock.advance(HOUR);
    Object.assign(vault, { isAway: false, mayLogIn: false });
    await clock.advance(HOUR);
    expect(isOpen).toBe(false);
    expect(access.whatIsWrong()).toContain('invalid role name');
    expect(logger.of('vault.away').map(({ trouble }) => trouble)).toEqual(['away', 'refused']);
    vault.mayLogIn = true;
    await clock.advance(MINUTE);
    expect(isOpen).toBe(true);
  });

  it('says that a login is refused while the former token still serves', async () => {
    const { clock, vault, access } = await setUp((one) => (one.maximumMs = HOUR));
    vault.mayLogIn = false;
    await clock.advance(55 * MINUTE);
    await expect(access.ask(read)).resolves.toBeDefined();
    expect(access.whatIsWrong()).toContain('invalid role name');
  });

  it('shows no token in the log', async () => {
    const { clock, vault, access, logger } = await setUp();
    vault.revokeAll();
    await access.ask(read);
    vault.isAway = true;
    await clock.advance(HOUR);
    expect(logger.lines.length).toBeGreaterThan(2);
    expect(logger.text).not.toMatch(/token-\d/);
  });
});
