import { execFile } from 'node:child_process';
import { join } from 'node:path';

import { describeWithHelm, helm } from '../support/helm.js';
import { ApiClient, sharedControlPlane, startOwnControlPlane } from '../support/kubernetes/index.js';

/** What the pipeline's scripts make of real Helm. There is no node, so that nothing that Helm waits for ever runs. */
const ROOT = join(__dirname, '..', '..');
const LIMIT_MS = 90_000;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

const attempt = (env: NodeJS.ProcessEnv, program: string, ...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(program, args, { cwd: ROOT, env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout: stdout.trim(), stderr });
    });
  });

describeWithHelm('the release of an environment', () => {
  let env: NodeJS.ProcessEnv;

  const run = async (program: string, ...args: string[]): Promise<{ code: number; stdout: string }> => {
    const { code, stdout } = await attempt(env, program, ...args);
    return { code, stdout };
  };

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

describeWithHelm('the namespace of a release', () => {
  const fresh = ['--namespace', 'holder', '--create-namespace'];
  let env: NodeJS.ProcessEnv;

  const upgraded = (...values: string[]): Promise<Outcome> =>
    attempt(env, helm!, 'upgrade', 'holder', 'helm/berth', ...fresh, '--dry-run=server', ...values);

  beforeAll(async () => {
    env = { ...process.env, KUBECONFIG: sharedControlPlane().kubeconfig('admin') };
    expect(await attempt(env, helm!, 'install', 'holder', 'helm/berth', ...fresh)).toMatchObject({ code: 0 });
  }, LIMIT_MS);

  it.each(['sessions.namespace.create=false', 'sessions.namespace.name=another'])(
    'is not deleted with its sessions by an upgrade with %s',
    async (values) => {
      const { code, stderr } = await upgraded('--set', values);
      expect(code).toBe(1);
      expect(stderr).toContain('this release has made holder-sessions, which Helm would delete');
    },
    LIMIT_MS,
  );

  it('stands in the way of no other upgrade', async () => {
    expect(await upgraded('--set', 'settings.LOG_LEVEL=debug')).toMatchObject({ code: 0 });
  });

  it('is of one release alone', async () => {
    const where = ['--namespace', 'guest', '--create-namespace', '--dry-run=server'];
    const shared = ['--set', 'sessions.namespace.create=false,sessions.namespace.name=holder-sessions'];
    const { code, stderr } = await attempt(env, helm!, 'install', 'guest', 'helm/berth', ...where, ...shared);
    expect(code).toBe(1);
    expect(stderr).toContain('holder-sessions already has the sessions of another Berth');
  });
});

// A volume that nobody makes is waited for until Helm gives up, and nothing says why.
describeWithHelm('the volume of a release', () => {
  it(
    'is asked for only where there is somebody to make it',
    async () => {
      const KUBECONFIG = (await startOwnControlPlane()).kubeconfig('admin');
      const api = new ApiClient(KUBECONFIG);
      const install = (...values: string[]): Promise<Outcome> =>
        attempt({ ...process.env, KUBECONFIG }, helm!, 'install', 'berth', 'helm/berth', '--dry-run=server', ...values);
      const add = (name: string, annotations: Record<string, string>): Promise<unknown> =>
        api.call('/apis/storage.k8s.io/v1/storageclasses', {
          method: 'POST',
          body: { metadata: { name, annotations }, provisioner: 'example.com/volumes' },
        });

      expect(await install()).toMatchObject({ code: 0 });
      await add('gp3', {});
      expect(await install()).toMatchObject({ code: 1, stderr: expect.stringContaining('storageClassName is needed') });
      expect(await install('--set', 'redis.persistence.storageClassName=gp3')).toMatchObject({ code: 0 });
      await add('standard', { 'storageclass.kubernetes.io/is-default-class': 'true' });
      expect(await install()).toMatchObject({ code: 0 });
      await api.close();
    },
    LIMIT_MS,
  );
});
