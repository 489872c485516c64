import type { Target } from '../target.js';

/** The backends without anything before them: what the machine, the load and the backends themselves cost. */
export function direct(addresses: readonly string[]): Target {
  return {
    name: 'direct',
    pids: [],
    headers: {},
    way: (session, podPath) => ({ ...splitAddress(addresses[session % addresses.length]!), path: podPath }),
    stop: () => Promise.resolve(),
  };
}

function splitAddress(address: string): { host: string; port: number } {
  const [host, port] = address.split(':');
  return { host: host!, port: Number(port) };
}
