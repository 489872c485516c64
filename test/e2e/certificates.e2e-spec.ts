import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { proxied } from '../support/answers.js';
import { type BerthProcess, refusedStart, startBerth } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { certificateFor } from '../support/gateway/certificate.js';
import { handshake } from '../support/handshakes.js';
import { nextMessage } from '../support/streams.js';
import { temporaryPath, writeTemplates } from '../support/templates-file.js';

/** Files are looked at every five seconds. */
const SEEN_MS = 10_000;
const [first, second, third] = [1, 2, 3].map(() => certificateFor('127.0.0.1')) as [Pair, Pair, Pair];
const trusted = [first, second, third].map(({ cert }) => cert).join('\n');

interface Pair {
  cert: string;
  key: string;
}

/** As the kubelet mounts a Secret: what is there is a link, and the folder it leads to is replaced in one move. */
class MountedSecret {
  readonly folder = dirname(temporaryPath('tls'));
  private mounts = 0;

  constructor(pair: Pair) {
    this.mount(pair);
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(this.folder, name));
  }

  mount({ cert, key }: Partial<Pair>): void {
    const name = `..${++this.mounts}`;
    mkdirSync(join(this.folder, name));
    if (cert !== undefined) writeFileSync(join(this.folder, name, 'tls.crt'), cert);
    if (key !== undefined) writeFileSync(join(this.folder, name, 'tls.key'), key);
    symlinkSync(name, join(this.folder, '..next'));
    renameSync(join(this.folder, '..next'), join(this.folder, '..data'));
  }

  get settings(): Record<string, string> {
    return { TLS_CERT_PATH: join(this.folder, 'tls.crt'), TLS_KEY_PATH: join(this.folder, 'tls.key') };
  }
}

describe('a certificate in files', () => {
  const secret = new MountedSecret(first);
  let berth: BerthProcess;

  beforeAll(async () => {
    berth = await startBerth({ ...secret.settings, TEMPLATES_PATH: writeTemplates() }, trusted);
    await berth.put('ws', { template: 'demo' });
  });
  afterAll(() => berth?.stop());

  const shown = async (): Promise<number> => (await handshake(berth.url, trusted)).validToMs;
  const serial = async (): Promise<string> => (await handshake(berth.url, trusted)).serial;

  it('is used anew when a Secret’s mount changes, and open connections stay', async () => {
    const socket = await berth.socket(proxied('ws', '/ws'), { as: 'alice' });
    const before = await serial();
    secret.mount(second);
    await eventually(async () => expect(await serial()).not.toBe(before), SEEN_MS);
    const answer = nextMessage(socket);
    socket.send('still there');
    expect(await answer).toBe('still there');
    socket.close();
  });

  it('stays what it was while key and certificate do not fit, and that is said', async () => {
    const before = await serial();
    secret.mount({ cert: third.cert, key: second.key });
    await eventually(async () => expect(await berth.call('GET', '/health')).toMatchObject({ status: 503 }), SEEN_MS);
    expect(await serial()).toBe(before);
    expect(await berth.execute('one', {})).toMatchObject({ status: 200 });
    secret.mount(third);
    berth.signal('SIGHUP');
    await eventually(async () => expect(await serial()).not.toBe(before));
    expect(await berth.call('GET', '/health')).toMatchObject({ status: 200 });
    expect(await berth.metrics()).toContain(`session_certificate_expiry_timestamp_seconds ${(await shown()) / 1_000}`);
  });

  it('has left no key in the log', () => {
    expect(berth.output()).not.toContain('PRIVATE KEY');
  });
});

it('a start with files that hold none is refused, by the names of the settings', async () => {
  const { code, output } = await refusedStart(new MountedSecret({ cert: first.cert, key: second.key }).settings);
  expect(code).not.toBe(0);
  expect(output).toMatch(/TLS_CERT_PATH and TLS_KEY_PATH/);
});
