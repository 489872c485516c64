import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { LogOptions } from '../../../src/lifecycle/runtime/session-runtime.js';
import { eventually } from '../../support/eventually.js';
import type { Given, Stage } from './stage.js';

const UNTIL_READ: Omit<LogOptions, 'signal'> = { follow: false };

interface Follower {
  text(): string;
  /** Resolves when the log ends. */
  ended: Promise<void>;
  leave(): void;
}

function follow(stage: Stage, pod: Pod, options: Partial<LogOptions> = {}): Follower {
  const leaving = new AbortController();
  let text = '';
  const read = async (): Promise<void> => {
    for await (const bytes of stage.runtime.logs(pod, { follow: true, signal: leaving.signal, ...options })) {
      text += Buffer.from(bytes).toString();
    }
  };
  return { text: () => text, ended: read(), leave: () => leaving.abort() };
}

async function printed(stage: Stage, pod: Pod, options: Partial<LogOptions> = {}): Promise<string> {
  const reader = follow(stage, pod, { ...UNTIL_READ, ...options });
  await reader.ended;
  return reader.text();
}

export function printing(given: Given): void {
  describe('logs', () => {
    it('hold what the pod printed, oldest first, and end there', async () => {
      const stage = given();
      const pod = await stage.ready(stage.order(stage.templates.serving));
      for (const line of ['one', 'two', 'three']) await stage.harness.print(pod, line);
      await eventually(async () => expect(await printed(stage, pod)).toMatch(/pod listens\none\ntwo\nthree\n$/));
    });

    it('begin with the last lines where only these are wanted', async () => {
      const stage = given();
      const pod = await stage.ready(stage.order(stage.templates.serving));
      for (const line of ['one', 'two', 'three']) await stage.harness.print(pod, line);
      await eventually(async () => expect(await printed(stage, pod, { tailLines: 1 })).toBe('three\n'));
      expect(await printed(stage, pod, { tailLines: 2 })).toBe('two\nthree\n');
      expect(await printed(stage, pod, { tailLines: 0 })).toBe('');
    });

    it('go on with what is printed later, until the pod is gone', async () => {
      const stage = given();
      const pod = await stage.ready(stage.order(stage.templates.serving));
      const follower = follow(stage, pod);
      await eventually(() => expect(follower.text()).toContain('pod listens\n'));
      await stage.harness.print(pod, 'later');
      await eventually(() => expect(follower.text()).toContain('later\n'));
      await stage.deleted(pod.name);
      await follower.ended;
      expect(follower.text().split('later\n')).toHaveLength(2);
    });

    it('end for a follower who leaves', async () => {
      const stage = given();
      const pod = await stage.ready(stage.order(stage.templates.serving));
      const follower = follow(stage, pod);
      await eventually(() => expect(follower.text()).toContain('pod listens\n'));
      follower.leave();
      await follower.ended;
      expect(await stage.truth(pod.name)).toMatchObject({ phase: 'ready' });
    });

    it('of a pod that has crashed for good can be read until it is deleted', async () => {
      const stage = given();
      const pod = await stage.created(stage.order(stage.templates.crashing));
      await stage.until(pod.name, { phase: 'dead' });
      // It may just be tried once more, and have said nothing yet.
      await eventually(async () => expect(await printed(stage, pod)).toContain('last words\n'));
    });
  });
}
