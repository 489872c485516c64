import { ControlPlane, startControlPlane, type ControlPlaneOptions } from './control-plane.js';
import { ADDRESS_VARIABLE, RunningControlPlane, type ControlPlaneAddress } from './running-control-plane.js';

function address(): ControlPlaneAddress | undefined {
  const text = process.env[ADDRESS_VARIABLE];
  return text ? (JSON.parse(text) as ControlPlaneAddress) : undefined;
}

/** A suite that needs Kubernetes: it is skipped where the parts are missing, which has been said by then. */
export function describeWithControlPlane(name: string, define: () => void): void {
  if (address()) describe(name, define);
  else describe.skip(name, define);
}

/** The one that all suites of this run share, each in namespaces of its own. */
export function sharedControlPlane(): RunningControlPlane {
  return new RunningControlPlane(known());
}

/** Another one, for a test that kills or freezes it; takes about three seconds. It ends with the file at the latest. */
export async function startOwnControlPlane(options: Omit<ControlPlaneOptions, 'assets'> = {}): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ assets: known().assets, ...options });
  started.push(controlPlane);
  return controlPlane;
}

const started: ControlPlane[] = [];
// A benchmark has no end of a suite to wait for: it stops what it starts.
if (typeof afterAll === 'function') afterAll(() => Promise.all(started.map((controlPlane) => controlPlane.stop())));

function known(): ControlPlaneAddress {
  const there = address();
  if (there) return there;
  throw new Error('there is no control plane: the suite has to be one of the project "kubernetes" in jest.config.mjs');
}
