import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** The arrows of the architecture: who must not import whom. A new module is added here first. */
const zone = (target, from, message, except = []) => ({
  target: `./src/${target}`,
  from: from.map((f) => `./src/${f}`),
  except,
  message,
});
const everyModule = [
  'config',
  'gateway',
  'health',
  'leadership',
  'lifecycle',
  'metrics',
  'platform',
  'session-pod',
  'vault',
];
const allBut = (...allowed) => everyModule.filter((name) => !allowed.includes(name));

const arrows = [
  zone(
    'lifecycle',
    allBut('lifecycle', 'leadership', 'vault', 'config', 'platform'),
    'lifecycle -> leadership, vault, config, platform',
  ),
  zone('leadership', allBut('leadership', 'config', 'platform'), 'leadership -> config, platform'),
  zone('vault', allBut('vault', 'config', 'platform'), 'vault -> config, platform'),
  zone('metrics', allBut('metrics', 'config', 'platform'), 'metrics -> config, platform'),
  zone('health', ['gateway', 'session-pod'], 'nobody -> gateway'),
  zone('gateway', ['session-pod', 'health'], 'gateway -> lifecycle, vault, metrics, config, platform'),
  zone('platform', allBut('platform', 'config'), 'platform holds thin handles and no business words'),
  zone('config', allBut('config'), 'config is read by all and reads none'),
  zone('session-pod', allBut('session-pod'), 'the session application is a program of its own'),
];
const ports = [
  ['lifecycle/store/session-store.ts', ['lifecycle/store/memory-session-store.ts', 'lifecycle/store/redis']],
  ['lifecycle/runtime/session-runtime.ts', ['lifecycle/runtime/process', 'lifecycle/runtime/kubernetes']],
  ['leadership/leadership.ts', ['leadership/sole-leadership.ts', 'leadership/lease']],
].map(([port, adapters]) => zone(port, adapters, 'a port imports nothing from its adapters'));

const outside = ['./test', './bench'].map((from) => ({
  target: './src',
  from,
  message: 'the product needs nothing of its tests',
}));

const httpFree = ['node:http', 'node:https', 'http', 'https', 'express', '@nestjs/platform-express', 'undici'];

export default defineConfig(
  { ignores: ['dist', 'coverage'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.js', '.mjs'], extensionAlias: { '.js': ['.ts', '.js'] } }),
      ],
      'import-x/extensions': ['.ts'],
    },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'off',
      'max-params': 'off',
      '@typescript-eslint/max-params': ['error', { max: 5 }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones: [...arrows, ...ports] }],
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // The compiler takes src and test for one program.
    files: ['src/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/*.contract.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        'describe',
        'it',
        'expect',
        'jest',
        'beforeAll',
        'beforeEach',
        'afterAll',
        'afterEach',
      ],
      'import-x/no-restricted-paths': [
        'error',
        { basePath: import.meta.dirname, zones: [...arrows, ...ports, ...outside] },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**', 'src/session-pod/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Settings are read in src/config only.' },
      ],
    },
  },
  {
    files: ['src/lifecycle/**/*.ts'],
    ignores: ['src/lifecycle/runtime/**', '**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: httpFree.map((name) => ({ name, message: 'lifecycle knows no HTTP.' })) },
      ],
    },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
  {
    files: ['**/*.mjs', 'scripts/**/*.js', 'test/**/*.mjs'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        setTimeout: 'readonly',
        Buffer: 'readonly',
        fetch: 'readonly',
        URL: 'readonly',
        AbortSignal: 'readonly',
        performance: 'readonly',
      },
    },
  },
);
