import { FakeClock } from '../../../test/support/fake-clock.js';
import { FakeRuntime } from '../../../test/support/fake-runtime.js';
import { sessionId } from '../../../test/support/openings.js';
import { session } from '../../../test/support/sessions.js';
import type { Pod } from '../runtime/pod.js';
import type { Template } from '../templates/template.js';
import { PodDirectory } from '../view/pod-directory.js';
import { PodMaking } from './pod-making.js';

const definition = { name: 'default', hash: 'now' } as Template;
const creating = (id: string) => session({ id: sessionId(id), state: 'creating' });

describe('the making of a pod', () => {
  let runtime: FakeRuntime;
  let making: PodMaking;
  beforeEach(() => {
    runtime = new FakeRuntime(new FakeClock());
    const pods = new PodDirectory(runtime);
    pods.start();
    making = new PodMaking(runtime, pods);
  });
  const warm = async (): Promise<Pod> => runtime.makeReady(await runtime.createWarm(definition));
  const claims = (): number => runtime.calls.filter((call) => call === 'claim').length;

  it('tries no warm pod for two sessions at once', async () => {
    const pods = [await warm(), await warm()];
    const claimed = await Promise.all(['a', 'b', 'c'].map((id) => making.claim(creating(id), definition)));
    const uids = claimed.flatMap((pod) => pod?.uid ?? []);
    expect(uids.sort()).toEqual(pods.map(({ uid }) => uid).sort());
    expect(claims()).toBe(2);
  });

  it('does not try again for a warm pod that somebody else took, before it is seen to change', async () => {
    const pod = await warm();
    const claim = jest.spyOn(runtime, 'claim').mockResolvedValue('changed');
    for (const id of ['a', 'b', 'c']) await expect(making.claim(creating(id), definition)).resolves.toBeUndefined();
    expect(claim).toHaveBeenCalledTimes(1);
    claim.mockRestore();
    runtime.change(pod, {});
    await expect(making.claim(creating('d'), definition)).resolves.toMatchObject({ uid: pod.uid });
  });

  it('tries again for a warm pod of which it is not known whether it was claimed', async () => {
    const pod = await warm();
    runtime.isAway = true;
    await expect(making.claim(creating('a'), definition)).rejects.toThrow('away');
    runtime.isAway = false;
    await expect(making.claim(creating('b'), definition)).resolves.toMatchObject({ uid: pod.uid });
  });

  it('claims nothing for a session with an environment, or one whose start was tried before', async () => {
    await warm();
    for (const facts of [{ env: { COLOUR: 'red' } }, { triedAtMs: 1 }])
      await expect(making.claim({ ...creating('a'), ...facts }, definition)).resolves.toBeUndefined();
    expect(claims()).toBe(0);
  });
});
