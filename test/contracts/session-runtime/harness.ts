import type { Pod } from '../../../src/lifecycle/runtime/pod.js';
import type { SessionRuntime } from '../../../src/lifecycle/runtime/session-runtime.js';
import type { Template } from '../../../src/lifecycle/templates/template.js';

/** How one adapter is put up for the suite. What else lives in it does no harm: the suite looks at its own pods only. */
export interface RuntimeHarness {
  runtime: SessionRuntime;
  templates: {
    /** Prints `pod listens` and becomes ready. */
    serving: Template;
    /** Runs, but never becomes ready. */
    silent: Template;
    /** Prints `last words` and ends, each time it is started. */
    crashing: Template;
  };
  /** Ends the process or container inside the pod, as kill -9 does. */
  crash(pod: Pod): Promise<void>;
  /** Has the pod print this line. */
  print(pod: Pod, line: string): Promise<void>;
  /** Whether a request to the pod's address is answered. */
  answers(pod: Pod): Promise<boolean>;
  close(): Promise<void>;
}

export type MakeRuntimeHarness = () => Promise<RuntimeHarness>;
