import type { Pod } from '../runtime/pod.js';
import type { SessionRuntime } from '../runtime/session-runtime.js';
import type { Failure } from '../session.js';

/** A start that takes no longer than this needs no reason. */
const SLOW_AFTER_MS = 3_000;
/** However many ask for the status of the session. */
const ASK_EVERY_MS = 2_000;

interface Inquiry {
  askedAtMs: number;
  answer: Promise<Failure | undefined>;
}

/**
 * What holds up a pod whose watch shows nothing of it: Kubernetes tells of a volume or a network that is not there in
 * events alone. Asked live, when somebody wants to know.
 */
export class SlowStarts {
  private readonly inquiries = new Map<string, Inquiry>();

  constructor(
    private readonly runtime: Pick<SessionRuntime, 'read'>,
    private readonly nowMs: () => number,
  ) {}

  /** Undefined: nothing is known to be wrong. */
  async find(pod: Pod): Promise<Failure | undefined> {
    const nowMs = this.nowMs();
    if (pod.phase !== 'starting' || pod.failure || nowMs - pod.createdAtMs < SLOW_AFTER_MS) return undefined;
    this.forgetBefore(nowMs - ASK_EVERY_MS);
    const inquiry = this.inquiries.get(pod.uid) ?? { askedAtMs: nowMs, answer: this.ask(pod) };
    this.inquiries.set(pod.uid, inquiry);
    return inquiry.answer;
  }

  private forgetBefore(ms: number): void {
    for (const [uid, { askedAtMs }] of this.inquiries) if (askedAtMs < ms) this.inquiries.delete(uid);
  }

  private async ask({ name, uid, createdAtMs }: Pod): Promise<Failure | undefined> {
    // A runtime that does not answer has its own alarm; a status is shown without it.
    const now = await this.runtime.read(name).catch(() => 'absent' as const);
    if (now === 'absent' || now.uid !== uid || now.phase !== 'starting' || !now.failure) return undefined;
    return { ...now.failure, atMs: createdAtMs };
  }
}
