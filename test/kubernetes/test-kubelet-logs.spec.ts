import { writeFile } from 'node:fs/promises';

import { eventually } from '../support/eventually.js';
import {
  crashLoop,
  describeWithControlPlane,
  ownNamespace,
  PodsByHand,
  startTestKubelet,
  type OwnNamespace,
  type TestKubelet,
} from '../support/kubernetes/index.js';

const says = (script: string): object => ({ command: ['sh', '-c', script] });

describeWithControlPlane('the logs of the test kubelet’s pods, read through the API server,', () => {
  let own: OwnNamespace;
  let pods: PodsByHand;
  let kubelet: TestKubelet;
  beforeAll(async () => {
    own = await ownNamespace();
    pods = new PodsByHand(own);
    kubelet = await startTestKubelet(own);
  });
  afterAll(async () => {
    await kubelet.stop();
    await pods.close();
    await own.remove();
  });

  const url = (name: string, query = ''): string => `${pods.path(name)}/log?container=session&${query}`;
  const read = (name: string, query = ''): Promise<string> => pods.berth.text(url(name, query));
  const untilSaid = (name: string, text: string): Promise<void> =>
    eventually(async () => expect(await read(name)).toContain(text), 10_000);

  it('are all there, or the last lines', async () => {
    const name = await pods.make(undefined, says('echo 1; echo 2; echo 3 >&2; sleep 60'));
    await untilSaid(name, '3');
    await expect(read(name)).resolves.toBe('1\n2\n3\n');
    await expect(read(name, 'tailLines=2')).resolves.toBe('2\n3\n');
  });

  it('go on with what is printed later, up to the end of the run', async () => {
    const script = 'mkfifo "$TMPDIR/go"; echo "$TMPDIR"; echo begun; read -r _ < "$TMPDIR/go"; echo end; exit 1';
    const name = await pods.make(undefined, says(script));
    await untilSaid(name, 'begun');
    const [folder] = (await read(name)).split('\n');
    const stream = await pods.berth.stream(url(name, 'follow=true&tailLines=1'), AbortSignal.timeout(10_000));
    const chunks: string[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk.toString());
      // Only now, as the stream is open and has said what there was.
      if (chunks.join('') === 'begun\n') await writeFile(`${folder}/go`, 'go\n');
    }
    expect(chunks.join('')).toBe('begun\nend\n');
  });

  it('are those of the earlier run for whoever asks', async () => {
    const name = pods.newName();
    kubelet.fail(name, crashLoop({ says: 'first run', times: 1 }));
    await pods.make(name, says('echo second run; sleep 60'));
    await untilSaid(name, 'second run');
    await expect(read(name, 'previous=true')).resolves.toBe('first run\n');
  });

  it('are refused while nothing has run', async () => {
    const name = pods.newName();
    kubelet.fail(name, { waiting: 'ImagePullBackOff', message: 'no such image' });
    await pods.make(name);
    await pods.shown(name, { containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] });
    await expect(read(name)).rejects.toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('is waiting to start: ImagePullBackOff') },
    });
  });
});
