/**
 * Follows all objects of one kind: a list, then a watch from there on, for as long as it takes.
 *
 * The list names no resourceVersion, so the server answers with what is true at that moment and not with what one of
 * its caches still holds: a replica that starts anew sees what it wrote before. Its pages are of one such moment. When
 * the server no longer has the changes since (410), it is listed again; what is missing then is gone.
 *
 * A broken connection shows itself as an error, a frozen one only as silence. So the server is asked to end each watch
 * after `watchSeconds`, and one that is still open after `silenceMs` is cut, whatever it brought: what a process reads
 * when it wakes up from a long pause may be as old as the pause. `ageMs` says how old the picture may be.
 */
import { type Clock, pause } from '../clock.js';
import type { Logger } from '../logger.js';
import type { Randomness } from '../randomness.js';
import type { KubernetesClient, Query } from './kubernetes-client.js';
import { asKubernetesError, KubernetesError } from './kubernetes-errors.js';
import { UNREADABLE } from './lines.js';
import { ObjectPicture, type ObjectWatchHandlers } from './object-picture.js';
import { Outage } from './outage.js';
import { type ApiObject, type WatchEvent, watchEvents } from './watch-events.js';

export interface WatchedObjects<T> {
  /** Of the collection: `/api/v1/namespaces/x/pods`. */
  path: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** What is kept and handed on of an object. `undefined` leaves it out. As it is, when not given. */
  parse?: (raw: unknown) => T | undefined;
}

export interface ObjectWatchOptions {
  clock: Clock;
  randomness: Randomness;
  logger: Logger;
  watchSeconds?: number;
  silenceMs?: number;
}

/** What it uses of the client. */
export type WatchClient = Pick<KubernetesClient, 'read' | 'raw'>;

interface Page {
  metadata: { resourceVersion: string; continue?: string };
  items: ApiObject[] | null;
}

const PAGE_SIZE = 500;
const WATCH_SECONDS = 30;
const SILENCE_MS = 45_000;
/** A watch that was open for so long works. No two watches are begun within less. */
const SETTLED_AFTER_MS = 1_000;

export class ObjectWatch<T> {
  private readonly end = new AbortController();
  private readonly picture: ObjectPicture<T>;
  private readonly outage: Outage;
  private readonly silenceMs: number;
  private running?: Promise<void>;
  private resumeAt?: string;
  private heardAtMs?: number;

  constructor(
    private readonly client: WatchClient,
    private readonly watched: WatchedObjects<T>,
    handlers: ObjectWatchHandlers<T>,
    private readonly options: ObjectWatchOptions,
  ) {
    this.picture = new ObjectPicture(watched, handlers, options.logger);
    this.outage = new Outage(watched.path, options);
    this.silenceMs = options.silenceMs ?? SILENCE_MS;
  }

  start(): void {
    if (!this.end.signal.aborted) this.running ??= this.run();
  }

  /** When it resolves nothing is open, and no handler is called any more. */
  async stop(): Promise<void> {
    this.end.abort();
    await this.running;
  }

  /** Since the last list was asked for, or the last event, bookmark or orderly end of a watch. 'unsynced' until the first list is complete. */
  ageMs(): number | 'unsynced' {
    return this.heardAtMs === undefined ? 'unsynced' : this.options.clock.monotonicMs() - this.heardAtMs;
  }

  /** What keeps it from hearing, and since when nothing did. A silence is known only when it has lasted. */
  hearing(): { trouble?: string; unbrokenMs: number } {
    return { trouble: this.outage.trouble(), unbrokenMs: this.outage.unbrokenMs() };
  }

  private async run(): Promise<void> {
    while (!this.end.signal.aborted) {
      try {
        if (this.resumeAt === undefined) await this.list();
        else await this.follow();
      } catch (error) {
        await this.recover(asKubernetesError(error));
      }
    }
  }

  private async recover(error: KubernetesError): Promise<void> {
    if (this.end.signal.aborted) return;
    if (!mayResumeAfter(error)) this.resumeAt = undefined;
    await pause(this.options.clock, this.outage.failed(error), this.end.signal);
  }

  private async list(): Promise<void> {
    const { labelSelector, fieldSelector, path } = this.watched;
    const askedAtMs = this.options.clock.monotonicMs();
    const listed = new Map<string, T>();
    let page: Page | undefined;
    do {
      const from: Query = { labelSelector, fieldSelector, limit: PAGE_SIZE, continue: page?.metadata.continue };
      page = await this.client.read<Page>(path, from, this.end.signal);
      this.picture.read(page.items ?? [], listed);
      if (this.end.signal.aborted) return;
    } while (page.metadata.continue);
    this.picture.replace(listed, this.end.signal);
    this.heardAtMs = askedAtMs;
    this.resumeAt = page.metadata.resourceVersion;
  }

  /** One watch, to its orderly end. */
  private async follow(): Promise<void> {
    const { clock } = this.options;
    const openedAtMs = clock.monotonicMs();
    const cut = new AbortController();
    let wasHeard = false;
    const timers = [clock.after(this.silenceMs, () => cut.abort(new KubernetesError('The watch has gone silent.')))];
    try {
      const signal = AbortSignal.any([this.end.signal, cut.signal]);
      const bytes = await this.client.raw(this.watched.path, this.query(), signal);
      timers.push(clock.after(SETTLED_AFTER_MS, () => this.outage.settled()));
      for await (const event of watchEvents(bytes)) {
        if (this.end.signal.aborted) return;
        wasHeard = true;
        this.refuseOld(openedAtMs);
        this.take(event);
      }
      this.refuseOld(openedAtMs);
    } catch (error) {
      throw cut.signal.aborted ? cut.signal.reason : error;
    } finally {
      for (const timer of timers) timer.cancel();
    }
    await this.endedInOrder(clock.monotonicMs() - openedAtMs, wasHeard);
  }

  private query(): Query {
    const { labelSelector, fieldSelector } = this.watched;
    return {
      labelSelector,
      fieldSelector,
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: this.resumeAt,
      timeoutSeconds: this.options.watchSeconds ?? WATCH_SECONDS,
    };
  }

  private take(event: WatchEvent): void {
    this.heard();
    this.outage.settled();
    this.resumeAt = event.object.metadata.resourceVersion;
    if (event.type === 'DELETED') this.picture.remove(event.object);
    else if (event.type !== 'BOOKMARK') this.picture.put(event.object);
  }

  /** Woken up after a pause, the process may come here before the timer that cuts the watch. */
  private refuseOld(openedAtMs: number): void {
    if (this.options.clock.monotonicMs() - openedAtMs >= this.silenceMs) {
      throw new KubernetesError('The watch was read too late.');
    }
  }

  /** Who ends every watch at once is not heard from, and is not to be asked in a circle without a pause. */
  private async endedInOrder(lastedMs: number, wasHeard: boolean): Promise<void> {
    if (this.end.signal.aborted) return;
    if (lastedMs < SETTLED_AFTER_MS && !wasHeard) {
      throw new KubernetesError('The API server ended the watch as soon as it was open.');
    }
    this.heard();
    if (lastedMs < SETTLED_AFTER_MS) await pause(this.options.clock, SETTLED_AFTER_MS - lastedMs, this.end.signal);
  }

  private heard(): void {
    this.heardAtMs = this.options.clock.monotonicMs();
  }
}

/** Whether the server may still have the changes since the last one seen: it was not reached, or did not let us in. */
function mayResumeAfter({ status, reason }: KubernetesError): boolean {
  return status === undefined ? reason !== UNREADABLE : [401, 403, 429, 502, 503].includes(status);
}
