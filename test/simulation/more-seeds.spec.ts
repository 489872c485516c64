import { expectPromisesKept } from './seeds.js';

/** In a file of its own, for it can run beside the others. */
describe('several replicas whose store, cluster, clocks and processes fail', () => {
  it('keep every promise in the next 500 seeds', () => expectPromisesKept(501, 500), 240_000);
});
