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
    const root = await this.root();
    const port = await this.ports.take();
    try {
      return { port, folder: await root.makeFolder(folderName) };
    } catch (error) {
      this.ports.giveBack(port);
      throw error;
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

  /** Opened when the first pod needs it; after a failure it is tried again. */
  private root(): Promise<StateRoot> {
    this.opened ??= StateRoot.open(this.rootOptions).catch((error: unknown) => {
      this.opened = undefined;
      throw error;
    });
    return this.opened;
  }
}
