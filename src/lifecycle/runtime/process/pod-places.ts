import type { PortPool } from './port-pool.js';
import { StateRoot, type StateRootOptions } from './state-root.js';

export interface Place {
  port: number;
  folder: string;
}

/** Where pods stand: each has a port and a state folder, from before its first run until its end. */
export class PodPlaces {
  private opened?: Promise<StateRoot>;
  private readonly removals = new Set<Promise<void>>();

  constructor(
    private readonly ports: PortPool,
    private readonly rootOptions: StateRootOptions,
  ) {}

  async take(folderName: string): Promise<Place> {
    const port = await this.ports.take();
    try {
      return { port, folder: await this.makeFolder(folderName) };
    } catch (error) {
      this.ports.giveBack(port);
      throw error;
    }
  }

  /** The folders can be kept where they are to be kept, and what dead Berths left there is being removed. */
  async open(): Promise<void> {
    await this.root();
  }

  /** Somebody may have removed the root itself: a cleaner of temporary folders, for example. Then there is another. */
  private async makeFolder(name: string): Promise<string> {
    const root = await this.root();
    try {
      return await root.makeFolder(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.opened = undefined;
      return (await this.root()).makeFolder(name);
    }
  }

  /** The folder goes in the background. */
  giveBack({ port, folder }: Place): void {
    this.ports.giveBack(port);
    const removal = this.root()
      .then((root) => root.removeFolder(folder))
      .finally(() => this.removals.delete(removal));
    this.removals.add(removal);
  }

  /** Nothing of it is left on disk. */
  async close(): Promise<void> {
    await Promise.all(this.removals);
    await this.opened?.then((root) => root.close());
  }

  /** After a failure it is tried again. */
  private root(): Promise<StateRoot> {
    this.opened ??= StateRoot.open(this.rootOptions).catch((error: unknown) => {
      this.opened = undefined;
      throw error;
    });
    return this.opened;
  }
}
