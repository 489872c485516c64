import { readFileSync } from 'node:fs';

const SWC = JSON.parse(readFileSync(new URL('.swcrc', import.meta.url), 'utf8'));

const common = {
  testEnvironment: 'node',
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    // As scripts/build.mjs, but for what Jest's own loader cannot do. Read here, so that Jest's cache knows of changes.
    '^.+\\.ts$': ['@swc/jest', { ...SWC, swcrc: false, module: { type: 'commonjs' }, sourceMaps: 'inline' }],
  },
};

/** The contract suites whose adapters need Kubernetes. */
const KUBERNETES_CONTRACTS = String.raw`/test/contracts/(kubernetes|lease)[^/]*\.spec\.ts$`;
/** The suites of Vault that need Kubernetes: its login asks the API server. */
const VAULT_IN_A_CLUSTER = String.raw`/test/vault/cluster-[^/]*\.spec\.ts$`;

export default {
  projects: [
    { ...common, displayName: 'unit', roots: ['<rootDir>/src'], testRegex: String.raw`\.spec\.ts$` },
    {
      ...common,
      displayName: 'contracts',
      roots: ['<rootDir>/test/contracts'],
      testRegex: String.raw`\.spec\.ts$`,
      testPathIgnorePatterns: ['/node_modules/', KUBERNETES_CONTRACTS],
    },
    {
      ...common,
      displayName: 'kubernetes',
      roots: ['<rootDir>/test'],
      testRegex: [String.raw`/test/(kubernetes|replicas)/.*\.spec\.ts$`, KUBERNETES_CONTRACTS, VAULT_IN_A_CLUSTER],
      globalSetup: '<rootDir>/test/support/kubernetes/global-setup.mjs',
      globalTeardown: '<rootDir>/test/support/kubernetes/global-teardown.mjs',
    },
    {
      ...common,
      displayName: 'vault',
      roots: ['<rootDir>/test/vault'],
      testRegex: String.raw`\.spec\.ts$`,
      testPathIgnorePatterns: ['/node_modules/', VAULT_IN_A_CLUSTER],
    },
    {
      ...common,
      displayName: 'simulation',
      roots: ['<rootDir>/test/simulation'],
      testRegex: String.raw`\.spec\.ts$`,
    },
    { ...common, displayName: 'scripts', roots: ['<rootDir>/test/scripts'], testRegex: String.raw`\.spec\.ts$` },
    { ...common, displayName: 'docs', roots: ['<rootDir>/test/docs'], testRegex: String.raw`\.spec\.ts$` },
    // Needs a cluster (scripts/e2e-cluster), so that it is not among those that `npm test` runs.
    ...(process.env.BERTH_IMAGE
      ? [{ ...common, displayName: 'cluster', roots: ['<rootDir>/test/cluster'], testRegex: String.raw`\.spec\.ts$` }]
      : []),
    // Needs a JDK and what scripts/websocket-conformance gets.
    ...(process.env.AUTOBAHN_HOME
      ? [
          {
            ...common,
            displayName: 'conformance',
            roots: ['<rootDir>/test/conformance'],
            testRegex: String.raw`\.spec\.ts$`,
          },
        ]
      : []),
    { ...common, displayName: 'e2e', roots: ['<rootDir>/test/e2e'], testRegex: String.raw`\.e2e-spec\.ts$` },
  ],
  // Most of the time the suites wait for processes, outages and clocks: more workers than a small machine has cores pay.
  maxWorkers: 6,
  testSequencer: '<rootDir>/test/support/longest-first.cjs',
  testTimeout: 20_000,
};
