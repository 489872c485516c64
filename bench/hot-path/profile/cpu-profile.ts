/** What V8 writes with `--cpu-prof`, as much of it as is read here. */
export interface CpuProfile {
  nodes: readonly { id: number; callFrame: CallFrame; children?: readonly number[] }[];
  /** Microseconds. */
  startTime: number;
  endTime: number;
  /** The node that was on top, each time it was looked. */
  samples: readonly number[];
  /** Microseconds from the sample before to each. */
  timeDeltas: readonly number[];
}

interface CallFrame {
  functionName: string;
  url: string;
}

export const ORIGINS = ['Berth', 'libraries', 'Node', 'native code', 'garbage collection'] as const;
export type Origin = (typeof ORIGINS)[number];

/** A function where it was called from, and all that it called. */
export interface Frame {
  name: string;
  url: string;
  origin: Origin;
  /** In itself, and with all that it called. */
  ownUs: number;
  wholeUs: number;
  called: Map<string, Frame>;
}

/** The time in which something ran, of a window that ended so many microseconds before the profile did. */
export function readProfile(profile: CpuProfile, window: { lengthUs: number; endedBeforeUs: number }): Frame {
  const stacks = stacksOf(profile);
  const root = newFrame({ functionName: 'all', url: '' });
  const untilUs = profile.endTime - window.endedBeforeUs;
  let atUs = profile.startTime;
  profile.samples.forEach((id, at) => {
    atUs += profile.timeDeltas[at]!;
    const stack = stacks.get(id)!;
    // What was on top stays there until it is looked again.
    const us = profile.timeDeltas[at + 1] ?? profile.endTime - atUs;
    const isWithin = atUs >= untilUs - window.lengthUs && atUs + us <= untilUs;
    if (isWithin && stack.at(-1)?.functionName !== '(idle)') add(root, stack, us);
  });
  return root;
}

function originOf({ functionName, url }: CallFrame): Origin {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url.startsWith('node:')) return 'Node';
  if (url.includes('/node_modules/')) return 'libraries';
  return url === '' ? 'native code' : 'Berth';
}

/** Of each node the calls that lead to it, outermost first. */
function stacksOf({ nodes }: CpuProfile): Map<number, CallFrame[]> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stacks = new Map<number, CallFrame[]>();
  const open: { id: number; above: CallFrame[] }[] = [{ id: nodes[0]!.id, above: [] }];
  for (let one = open.pop(); one; one = open.pop()) {
    const { callFrame, children = [] } = byId.get(one.id)!;
    const stack = callFrame.functionName === '(root)' ? [] : [...one.above, callFrame];
    stacks.set(one.id, stack);
    for (const id of children) open.push({ id, above: stack });
  }
  return stacks;
}

function add(root: Frame, stack: readonly CallFrame[], us: number): void {
  let frame = root;
  frame.wholeUs += us;
  for (const call of stack) {
    const key = `${call.functionName} ${call.url}`;
    const next = frame.called.get(key) ?? newFrame(call);
    frame.called.set(key, next);
    next.wholeUs += us;
    frame = next;
  }
  frame.ownUs += us;
}

function newFrame(call: CallFrame): Frame {
  return {
    name: call.functionName || '(anonymous)',
    url: call.url,
    origin: originOf(call),
    ownUs: 0,
    wholeUs: 0,
    called: new Map(),
  };
}
