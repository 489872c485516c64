import type { Pod } from '../runtime/pod.js';
import { RuntimeUnavailable } from '../lifecycle.errors.js';
import { SlowStarts } from './slow-starts.js';

const CREATED_AT_MS = 1_000_000;
const SLOW_AT_MS = CREATED_AT_MS + 3_000;
const why = { reason: 'FailedMount', message: 'there is no volume' };

function pod(facts: Partial<Pod> = {}): Pod {
  const pod = {
    name: 'p',
    uid: 'u',
    revision: '1',
    template: 'default',
    templateHash: 'h',
    phase: 'starting' as const,
  };
  return { ...pod, restarts: 0, deleting: false, createdAtMs: CREATED_AT_MS, wasWarm: false, ...facts };
}

describe('why a start is slow', () => {
  let nowMs: number;
  let live: Pod | 'absent' | Error;
  let reads: number;
  const read = (): Promise<Pod | 'absent'> => {
    reads += 1;
    return live instanceof Error ? Promise.reject(live) : Promise.resolve(live);
  };
  const starts = (): SlowStarts => new SlowStarts({ read }, () => nowMs);
  beforeEach(() => {
    nowMs = SLOW_AT_MS;
    live = pod({ failure: why });
    reads = 0;
  });

  it('is asked of the runtime when the watch does not say', async () => {
    await expect(starts().find(pod())).resolves.toEqual({ ...why, atMs: CREATED_AT_MS });
  });

  it('is not asked while the start is not slow, or its reason known, or once it is over', async () => {
    for (const known of [pod({ failure: why }), pod({ phase: 'ready' }), pod({ createdAtMs: SLOW_AT_MS })])
      await expect(starts().find(known)).resolves.toBeUndefined();
    expect(reads).toBe(0);
  });

  it.each([
    ['the pod is gone', 'absent' as const],
    ['another pod has its name', pod({ uid: 'another', failure: why })],
    ['it is ready by now', pod({ phase: 'ready', failure: why })],
    ['the runtime is away', new RuntimeUnavailable('away')],
  ])('is not known when %s', async (_what, answer) => {
    live = answer;
    await expect(starts().find(pod())).resolves.toBeUndefined();
  });

  it('is asked seldom, however many want to know', async () => {
    const slow = starts();
    await Promise.all([1, 2, 3].map(() => slow.find(pod())));
    nowMs += 2_000;
    await slow.find(pod());
    expect(reads).toBe(1);
    nowMs += 1;
    await slow.find(pod());
    expect(reads).toBe(2);
  });
});
