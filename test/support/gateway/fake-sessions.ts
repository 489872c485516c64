import { LifecycleError } from '../../../src/lifecycle/lifecycle.errors.js';
import type { Caller } from '../../../src/lifecycle/session.js';
import { parseSessionId, type SessionId } from '../../../src/lifecycle/session-id.js';
import {
  type Admission,
  type Asked,
  type SessionEvent,
  type SessionPage,
  type SessionQuery,
  Sessions,
  type SessionView,
} from '../../../src/lifecycle/sessions.js';

export type Call = { call: string; id?: SessionId; caller: Caller } & Record<string, unknown>;

export function viewOf(id: string, about: Partial<SessionView> = {}): SessionView {
  return {
    id: parseSessionId(id),
    state: 'ready',
    generation: 2,
    restarts: 1,
    template: 'default',
    owner: 'ann',
    pod: { name: `pod-of-${id}`, address: '127.0.0.1:4711', node: 'here' },
    createdAtMs: Date.UTC(2026, 0, 1, 12, 0, 0, 5),
    lastActivityAtMs: Date.UTC(2026, 0, 1, 12, 1),
    dueAtMs: Date.UTC(2026, 0, 1, 12, 11),
    requests: 7,
    inFlight: 1,
    ...about,
  };
}

/** Says what a test told it to, and remembers what it was asked. */
export class FakeSessions extends Sessions {
  readonly calls: Call[] = [];
  readonly views = new Map<string, SessionView>();
  /** Thrown by whatever is called next and later. */
  failure?: unknown;
  page: SessionPage = { sessions: [] };
  logsOf: (signal: AbortSignal) => AsyncIterable<Uint8Array> = () => chunks();
  eventsOf: (signal: AbortSignal) => AsyncIterable<SessionEvent> = () => chunks();

  has(view: SessionView): void {
    this.views.set(view.id, view);
  }

  admit(): Promise<Admission> {
    return Promise.reject(new Error('the control plane admits nothing'));
  }

  async open(id: SessionId, caller: Caller, asked: Asked): Promise<{ session: SessionView; opened: boolean }> {
    this.remember({ call: 'open', id, caller, asked });
    const opened = !this.views.has(id);
    if (opened) this.has(viewOf(id, { owner: caller.owner, state: 'creating', generation: 1, restarts: 0 }));
    return Promise.resolve({ session: this.find(id), opened });
  }

  async status(id: SessionId, caller: Caller): Promise<SessionView> {
    this.remember({ call: 'status', id, caller });
    return Promise.resolve(this.find(id));
  }

  async list(caller: Caller, query: SessionQuery): Promise<SessionPage> {
    this.remember({ call: 'list', caller, query });
    return Promise.resolve(this.page);
  }

  async keepalive(id: SessionId, caller: Caller): Promise<SessionView> {
    this.remember({ call: 'keepalive', id, caller });
    return Promise.resolve(this.find(id));
  }

  async end(id: SessionId, caller: Caller): Promise<void> {
    this.remember({ call: 'end', id, caller });
    return Promise.resolve(void this.find(id));
  }

  async logs(id: SessionId, caller: Caller, options: { signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>> {
    const { signal, ...rest } = options;
    this.remember({ call: 'logs', id, caller, options: rest });
    return Promise.resolve(this.logsOf(signal));
  }

  async events(id: SessionId, caller: Caller, signal: AbortSignal): Promise<AsyncIterable<SessionEvent>> {
    this.remember({ call: 'events', id, caller });
    return Promise.resolve(this.eventsOf(signal));
  }

  onPodGone(): void {}

  private remember(call: Call): void {
    this.calls.push(call);
    if (this.failure !== undefined) throw this.failure as Error;
  }

  private find(id: SessionId): SessionView {
    const view = this.views.get(id);
    if (!view) throw new LifecycleError('SESSION_NOT_FOUND', 'There is no such session.');
    return view;
  }
}

export async function* chunks<T>(...all: T[]): AsyncGenerator<T> {
  for (const chunk of all) yield await Promise.resolve(chunk);
}

/** The chunks, then silence until the signal. */
export async function* chunksUntil<T>(signal: AbortSignal, ...all: T[]): AsyncGenerator<T> {
  yield* all;
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
