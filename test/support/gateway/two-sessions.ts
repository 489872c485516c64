import { type RawAnswer, type RawOptions, lines, rawRequest } from '../raw-request.js';
import { EdgeWithPods } from './edge-with-pods.js';
import { TOKEN } from './edge-harness.js';
import { RecordingPod } from './recording-pod.js';

export const AUTH = `Authorization: Bearer ${TOKEN}`;

/** The path to a session's pod. */
export function at(id: string, path = '/'): string {
  return `/api/v1/session/${id}/proxy${path}`;
}

/** A request as a client writes it that means well. */
export function fair(method: string, path: string, ...rest: readonly string[]): string {
  return lines(`${method} ${path} HTTP/1.1`, 'Host: berth.example', AUTH, ...rest, '');
}

/** The edge before two sessions, each with a pod that writes down what it gets, so that what crosses over is seen. */
export class TwoSessions {
  readonly edge = new EdgeWithPods();
  a!: RecordingPod;
  b!: RecordingPod;

  async setUp(...settings: Parameters<EdgeWithPods['setUp']>): Promise<void> {
    await this.edge.setUp(...settings);
    [this.a, this.b] = await Promise.all([new RecordingPod('a').start(), new RecordingPod('b').start()]);
    this.edge.harness.sessions.place('a', this.a.address);
    this.edge.harness.sessions.place('b', this.b.address);
  }

  async tearDown(): Promise<void> {
    await this.edge.tearDown();
    await Promise.all([this.a.stop(), this.b.stop()]);
  }

  send(bytes: string | readonly string[], options?: RawOptions): Promise<RawAnswer> {
    return rawRequest(this.edge.harness.url, bytes, options);
  }

  /** The sessions that were asked for, in order. */
  get entered(): string[] {
    return this.edge.harness.sessions.asked.map(({ id }) => id);
  }
}
