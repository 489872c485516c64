import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FakeClock } from '../../test/support/fake-clock.js';
import { FakeRandomness } from '../../test/support/fake-randomness.js';
import { certificateFor, TEST_CERTIFICATE, TEST_KEY } from '../../test/support/gateway/certificate.js';
import { RecordingLogger } from '../../test/support/recording-logger.js';
import { fromFiles } from './certificate-sources.js';
import { type CertificateSource, type KeyPair, ServerCertificate } from './server-certificate.js';

const first = { cert: TEST_CERTIFICATE, key: TEST_KEY };
const second = certificateFor('127.0.0.1');
const DAY = 24 * 3_600_000;

function setUp(next: KeyPair | Error, lookAgainMs?: number) {
  const clock = new FakeClock(Date.now());
  const logger = new RecordingLogger();
  const given = { next, asked: 0 };
  const obtain: CertificateSource['obtain'] = () => {
    given.asked += 1;
    return given.next instanceof Error ? Promise.reject(given.next) : Promise.resolve({ ...given.next, lookAgainMs });
  };
  const means = { clock, randomness: new FakeRandomness(), logger };
  const certificate = new ServerCertificate({ place: 'the test', obtain }, means);
  const told: KeyPair[] = [];
  certificate.onChange((pair) => told.push(pair));
  return { clock, logger, given, certificate, told };
}

describe('the certificate of the port', () => {
  it('is replaced at two thirds of its life', async () => {
    const { clock, given, certificate, told } = setUp(second);
    await certificate.open();
    given.next = first;
    await clock.advance(DAY);
    expect(told).toEqual([]);
    await clock.advance(DAY / 3);
    expect(told).toEqual([first]);
    expect(certificate.pair).toMatchObject(first);
    expect(certificate.swapsSoFar).toBe(1);
  });

  it('is looked at as often as its source says, and told of only when it is another', async () => {
    const { clock, given, certificate, told } = setUp(first, 5_000);
    await certificate.open();
    await clock.advance(20_000);
    expect([given.asked, told]).toEqual([5, []]);
    given.next = second;
    await clock.advance(5_000);
    expect(told).toEqual([second]);
  });

  it.each([
    ['cannot be had', new Error('Vault is sealed')],
    ['is nonsense', { cert: 'nonsense', key: 'nonsense' }],
    ['does not fit its key', { cert: second.cert, key: TEST_KEY }],
  ])('stays when the next one %s, is asked for again soon, and says so once', async (_, next) => {
    const { clock, given, certificate, told, logger } = setUp(first, 5_000);
    await certificate.open();
    given.next = next;
    await clock.advance(60_000);
    expect([certificate.pair.cert, told]).toEqual([first.cert, []]);
    expect(certificate.whatIsWrong()).toBeDefined();
    expect(logger.of('certificate.unusable')).toHaveLength(1);
    given.next = second;
    await clock.advance(5_000);
    expect(told).toEqual([second]);
    expect(certificate.whatIsWrong()).toBeUndefined();
  });

  it('is shown on past its end where there is no other, and that is said', async () => {
    const { clock, given, certificate } = setUp(second);
    await certificate.open();
    given.next = new Error('Vault is sealed');
    await clock.advance(3 * DAY);
    expect(certificate.pair.cert).toBe(second.cert);
    expect(certificate.whatIsWrong()).toMatch(/expired.*sealed/);
  });

  it('shows its number and its end in the log, and never its key', async () => {
    const { logger, certificate } = setUp(second);
    await certificate.open();
    expect(logger.of('certificate.taken')).toEqual([
      expect.objectContaining({ serial: expect.stringMatching(/^[0-9A-F]+$/), expiresAt: expect.any(String) }),
    ]);
    expect(logger.text).not.toContain('PRIVATE KEY');
  });
});

describe('a certificate in files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-tls-'));
  const [certPath, keyPath] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const put = ({ cert, key }: KeyPair): void => {
    writeFileSync(certPath, cert);
    writeFileSync(keyPath, key);
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is what they hold, looked at every few seconds', async () => {
    put(first);
    await expect(fromFiles(certPath, keyPath).obtain()).resolves.toEqual({ ...first, lookAgainMs: 5_000 });
    put(second);
    await expect(fromFiles(certPath, keyPath).obtain()).resolves.toMatchObject(second);
  });
});
