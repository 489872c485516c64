import { Problem } from './problem.js';
import { execute, type Json, type SessionState } from './session-state.js';

/** Keeps a state; resolves once it would survive the death of this process. Never called twice at once. */
export type Save = (state: SessionState) => Promise<void>;

/** One execute as its caller sees it: the data that it found, and the state that it left. */
export interface Executed {
  previous: Json;
  state: SessionState;
}

interface Waiting {
  step: (state: SessionState) => SessionState;
  resolve: (executed: Executed) => void;
  reject: (error: unknown) => void;
}

/**
 * The session of this process. Executes run one after the other. While a save is on its way later executes gather and
 * go into the next one together; each is answered only after the save that holds it. A save that fails undoes its
 * executes: what was not kept did not happen.
 */
export class Session {
  private waiting: Waiting[] = [];
  private saving = false;
  private sessionId: string | null;
  private generation = 0;

  constructor(
    private kept: SessionState,
    private readonly save: Save,
    private readonly now: () => Date = () => new Date(),
  ) {
    this.sessionId = kept.sessionId;
  }

  get state(): SessionState {
    return { ...this.kept, sessionId: this.sessionId };
  }

  /**
   * Refuses what was meant for another pod: another session's request, or one for an earlier pod of this session. A
   * warm pod belongs for good to the first session that it hears of. A caller who names no session is not checked.
   */
  admit(sessionId: string | undefined, generation: number | undefined): void {
    if (sessionId === undefined) return;
    if (this.sessionId === null) this.learn(sessionId);
    if (this.sessionId !== sessionId) throw new Problem(421, 'This pod serves another session.');
    if (generation === undefined) return;
    if (generation < this.generation) throw new Problem(421, 'This pod serves a later generation of the session.');
    this.generation = generation;
  }

  execute(data: Json): Promise<Executed> {
    return this.change((state) => execute(state, data, this.now()));
  }

  /** Resolves once everything so far is kept. */
  async flush(): Promise<void> {
    await this.change((state) => state);
  }

  /** Kept at once, so that a restart does not forget it; should that fail, the next save holds it too. */
  private learn(sessionId: string): void {
    this.sessionId = sessionId;
    this.flush().catch(() => undefined);
  }

  private change(step: Waiting['step']): Promise<Executed> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ step, resolve, reject });
      if (!this.saving) void this.runWaiting();
    });
  }

  private async runWaiting(): Promise<void> {
    this.saving = true;
    while (this.waiting.length > 0) await this.runTogether(this.waiting.splice(0));
    this.saving = false;
  }

  private async runTogether(batch: readonly Waiting[]): Promise<void> {
    let state = this.state;
    const executed = batch.map(({ step }): Executed => {
      const previous = state.data;
      state = step(state);
      return { previous, state };
    });
    try {
      await this.save(state);
      this.kept = state;
      batch.forEach(({ resolve }, index) => resolve(executed[index]!));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
