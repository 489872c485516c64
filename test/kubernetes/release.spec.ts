import { execFile } from 'node:child_process';
import { join } from 'node:path';

import { describeWithHelm, helm } from '../support/helm.js';
import { sharedControlPlane } from '../support/kubernetes/index.js';

/** What the pipeline's scripts make of real Helm. There is no node, so that nothing that Helm waits for ever runs. */
const ROOT = join(__dirname, '..', '..');
const LIMIT_MS = 90_000;

describeWithHelm('the release of an environment', () => {
  let env: NodeJS.ProcessEnv;

  const run = (program: string, ...args: string[]): Promise<{ code: number; stdout: string }> =>
    new Promise((resolve) => {
      execFile(program, args, { cwd: ROOT, env }, (error, stdout) => {
        resolve({ code: error ? Number(error.code) : 0, stdout: stdout.trim() });
      });
    });

  beforeAll(() => {
    const KUBECONFIG = sharedControlPlane().kubeconfig('admin');
    env = { ...process.env, KUBECONFIG, RELEASE: 'released', NAMESPACE: 'released', DEPLOY_TIMEOUT: '2s' };
  });

  it(
    'is known by the revision that worked, whatever failed after it',
    async () => {
      expect(await run('scripts/revision', 'dev')).toEqual({ code: 0, stdout: 'none' });

      const where = ['--namespace', 'released', '--create-namespace', '--values', 'helm/berth/values-dev.yaml'];
      expect(await run(helm!, 'install', 'released', 'helm/berth', ...where)).toMatchObject({ code: 0 });
      expect(await run('scripts/revision', 'dev')).toEqual({ code: 0, stdout: '1' });

      // Nothing of it reaches the cluster: a rollback has to leave revision 1 alone.
      env.HELM_ARGUMENTS = '--set noSuchValue=1';
      expect((await run('scripts/deploy', 'dev', 'berth:next')).code).not.toBe(0);
      const rolledBack = await run('scripts/rollback', 'dev', '1');
      expect(rolledBack).toEqual({ code: 0, stdout: 'rollback: dev never left revision 1' });

      // This one does, and never comes up.
      delete env.HELM_ARGUMENTS;
      expect((await run('scripts/deploy', 'dev', 'berth:next')).code).not.toBe(0);
      expect(await run('scripts/revision', 'dev')).toEqual({ code: 0, stdout: '1' });
      expect((await run('scripts/rollback', 'dev', '1')).code).not.toBe(0);
    },
    LIMIT_MS,
  );
});
