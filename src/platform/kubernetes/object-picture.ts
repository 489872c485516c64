import type { Logger } from '../logger.js';
import type { ApiObject } from './watch-events.js';

/**
 * `replaced` brings all there is, after every complete list; before it, `gone` was called for what had been known and
 * is not there any more. `gone` brings what was last known. Handlers are called one at a time.
 */
export interface ObjectWatchHandlers<T> {
  replaced(all: T[]): void;
  changed(object: T): void;
  gone(object: T): void;
}

interface Parsing<T> {
  path: string;
  parse?: (raw: unknown) => T | undefined;
}

/** The objects as they were last seen, by UID: a name may come back as another object. */
export class ObjectPicture<T> {
  private readonly known = new Map<string, T>();

  constructor(
    private readonly parsing: Parsing<T>,
    private readonly handlers: ObjectWatchHandlers<T>,
    private readonly logger: Logger,
  ) {}

  /** Adds a page of a list to what was listed so far; the raw objects are let go of. */
  read(raws: readonly ApiObject[], listed: Map<string, T>): void {
    for (const raw of raws) {
      const object = this.parse(raw);
      if (object !== undefined) listed.set(raw.metadata.uid, object);
    }
  }

  /** Stops between two calls once the signal has fired. */
  replace(listed: ReadonlyMap<string, T>, signal: AbortSignal): void {
    for (const [uid, object] of [...this.known]) {
      if (signal.aborted) return;
      if (!listed.has(uid)) this.forget(uid, object);
    }
    for (const [uid, object] of listed) this.known.set(uid, object);
    if (!signal.aborted) this.tell(() => this.handlers.replaced([...listed.values()]));
  }

  put(raw: ApiObject): void {
    const object = this.parse(raw);
    if (object === undefined) return this.remove(raw);
    this.known.set(raw.metadata.uid, object);
    this.tell(() => this.handlers.changed(object));
  }

  /** With what it was when it was deleted, where that can be read. */
  remove(raw: ApiObject): void {
    const known = this.known.get(raw.metadata.uid);
    if (known !== undefined) this.forget(raw.metadata.uid, this.parse(raw) ?? known);
  }

  private forget(uid: string, object: T): void {
    this.known.delete(uid);
    this.tell(() => this.handlers.gone(object));
  }

  private parse(raw: ApiObject): T | undefined {
    if (!this.parsing.parse) return raw as T;
    try {
      return this.parsing.parse(raw);
    } catch (error) {
      this.complain('kubernetes.object-unreadable', error, raw.metadata.name);
      return undefined;
    }
  }

  /** A handler's mistake costs one call, not the watch. */
  private tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.complain('kubernetes.handler-failed', error);
    }
  }

  private complain(event: string, error: unknown, name?: string): void {
    this.logger.error({ event, error, path: this.parsing.path, name }, 'A change in Kubernetes was not taken in');
  }
}
