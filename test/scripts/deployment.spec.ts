import { FakeTools } from '../support/fake-tools.js';

const KUBECONFIG = '/nowhere/kubeconfig';
const BY_DIGEST = 'registry.example:5000/berth@sha256:0123';
const RELEASE = '[{"name":"berth","revision":"5","status":"failed"}]';
const history = (...statuses: string[]): string =>
  JSON.stringify(statuses.map((status, index) => ({ revision: index + 1, status })));

function cluster(...statuses: string[]): FakeTools {
  return new FakeTools('helm', 'kubectl')
    .answer('helm list', statuses.length > 0 ? RELEASE : '[]\n')
    .answer('helm history', history(...statuses));
}

describe('scripts/deploy', () => {
  it.each(['dev', 'staging', 'production'])(
    'upgrades the release of %s with its own values, by digest',
    async (name) => {
      const tools = cluster('superseded', 'deployed');
      const { code, stdout } = await tools.run('deploy', [name, BY_DIGEST], { KUBECONFIG });
      expect(code).toBe(0);
      const below = name === 'staging' ? '--values helm/berth/values-production.yaml ' : '';
      expect(tools.commands().at(-1)).toBe(
        `helm upgrade --install berth helm/berth --namespace berth --create-namespace ${below}--values helm/berth/values-${name}.yaml ` +
          '--set image.repository=registry.example:5000/berth --set image.digest=sha256:0123 --wait --timeout 10m',
      );
      expect(stdout).toContain(`scripts/rollback ${name} 2`);
    },
  );

  it('takes the image that was built last where none is named', async () => {
    const tools = cluster();
    tools.file('image.txt', `${BY_DIGEST}\n`);
    expect(await tools.run('deploy', ['dev'], { KUBECONFIG })).toMatchObject({ code: 0 });
    expect(tools.commands().at(-1)).toContain('--set image.digest=sha256:0123');
  });

  it('takes a tag in dev, also one that looks like a number', async () => {
    const tools = cluster();
    await tools.run('deploy', ['dev', 'localhost:5000/berth:123456'], { KUBECONFIG });
    expect(tools.commands().at(-1)).toContain(
      '--set image.repository=localhost:5000/berth --set-string image.tag=123456',
    );
  });

  it.each([
    ['production', 'registry.example/berth:latest'],
    ['dev', 'localhost:5000/berth'],
  ])('refuses for %s the image %s, which may be another one tomorrow', async (name, image) => {
    const tools = cluster('deployed');
    const { code, stderr } = await tools.run('deploy', [name, image], { KUBECONFIG });
    expect(code).toBe(2);
    expect(stderr).toContain('digest');
    expect(tools.called()).toEqual([]);
  });

  it('gives release, namespace, time limit and further arguments on to Helm', async () => {
    const tools = cluster();
    const settings = { RELEASE: 'mine', NAMESPACE: 'here', DEPLOY_TIMEOUT: '3m', HELM_ARGUMENTS: '--set replicas=3' };
    await tools.run('deploy', ['dev', BY_DIGEST], { KUBECONFIG, ...settings });
    const command = tools.commands().at(-1);
    expect(command).toContain('upgrade --install mine helm/berth --namespace here ');
    expect(command).toContain('--set replicas=3 --wait --timeout 3m');
  });

  it("ends as Helm's upgrade does", async () => {
    const tools = cluster('deployed').answer('helm upgrade', { code: 7 });
    expect(await tools.run('deploy', ['dev', BY_DIGEST], { KUBECONFIG })).toMatchObject({ code: 7 });
  });

  it('deploys nothing to a cluster that does not answer', async () => {
    const tools = cluster('deployed').answer('helm list', { code: 1 });
    expect(await tools.run('deploy', ['dev', BY_DIGEST], { KUBECONFIG })).toMatchObject({ code: 1 });
    expect(tools.commands().some((command) => command.startsWith('helm upgrade'))).toBe(false);
  });
});

describe.each(['deploy', 'revision', 'rollback', 'smoke-deployed'])('scripts/%s', (script) => {
  it.each([[[]], [['qa']], [['../values']]])(
    'refuses the environment %j and touches nothing',
    async (args: string[]) => {
      const tools = cluster('deployed');
      const { code, stderr } = await tools.run(script, args, { KUBECONFIG });
      expect(code).toBe(2);
      expect(stderr).toMatch(/there is no environment .*\n$/);
      expect(tools.called()).toEqual([]);
    },
  );

  it('asks for the cluster in one line instead of taking the one that kubectl used last', async () => {
    const tools = cluster('deployed');
    const { code, stderr } = await tools.run(script, ['production', BY_DIGEST]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^.*KUBECONFIG.*\n$/);
    expect(tools.called()).toEqual([]);
  });
});

describe('scripts/revision', () => {
  it.each([
    ['the revision that runs', ['superseded', 'deployed'], '2\n'],
    ['the one that still runs under failed ones', ['superseded', 'deployed', 'failed', 'failed'], '2\n'],
    ['the one that ran before Helm was killed', ['deployed', 'pending-upgrade'], '1\n'],
    ['none where nothing was ever installed', [], 'none\n'],
    ['none where the only installation failed', ['failed'], 'none\n'],
  ])('prints %s', async (_, statuses, printed) => {
    expect(await cluster(...statuses).run('revision', ['dev'], { KUBECONFIG })).toMatchObject({
      code: 0,
      stdout: printed,
    });
  });

  it('does not take a cluster that is away for one without a release', async () => {
    const tools = cluster().answer('helm list', { code: 1 });
    expect(await tools.run('revision', ['dev'], { KUBECONFIG })).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('scripts/rollback', () => {
  it('goes back to the revision that it is told, however many have failed since', async () => {
    const tools = cluster('superseded', 'deployed', 'failed', 'failed');
    expect(await tools.run('rollback', ['staging', '2'], { KUBECONFIG })).toMatchObject({ code: 0 });
    expect(tools.commands().at(-1)).toBe('helm rollback berth 2 --namespace berth --wait --timeout 10m');
  });

  // "helm rollback" without a revision went one too far here: the upgrade had been refused before it made a revision.
  it('stays where it is when the deployment never made a revision', async () => {
    const tools = cluster('superseded', 'deployed');
    const { code, stdout } = await tools.run('rollback', ['staging', '2'], { KUBECONFIG });
    expect(code).toBe(0);
    expect(stdout).toContain('never left');
    expect(tools.commands().some((command) => command.startsWith('helm rollback'))).toBe(false);
  });

  it('says so and fails where there is nothing to go back to', async () => {
    const tools = cluster('failed');
    const { code, stderr } = await tools.run('rollback', ['dev', 'none'], { KUBECONFIG });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^.*no revision that worked.*\n$/);
    expect(tools.called()).toEqual([]);
  });

  it.each([[['dev']], [['dev', '0']], [['dev', 'last']]])(
    'guesses no revision: %j shows the history',
    async (args: string[]) => {
      const tools = cluster('superseded', 'deployed');
      expect(await tools.run('rollback', args, { KUBECONFIG })).toMatchObject({ code: 2 });
      expect(tools.commands()).toEqual(['helm history berth --namespace berth']);
    },
  );

  it("ends as Helm's rollback does", async () => {
    const tools = cluster('deployed', 'failed').answer('helm rollback', { code: 5 });
    expect(await tools.run('rollback', ['dev', '1'], { KUBECONFIG })).toMatchObject({ code: 5 });
  });
});

describe('scripts/smoke-deployed', () => {
  it('reaches the Service through a port of its own, with a token that a pod signs, and ends as the smoke test does', async () => {
    const tools = cluster('deployed')
      .answer('kubectl -n berth exec', 'a.signed.token\n')
      .answer('kubectl -n berth port-forward', { stdout: 'Forwarding from 127.0.0.1:9 -> 8080\n', stays: true });
    const outcome = await tools.run('smoke-deployed', ['staging'], { KUBECONFIG, SMOKE_WAIT_SECONDS: '0' });
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toContain('staging at http://127.0.0.1:9');
    expect(outcome.stderr).toContain('FAILED at step "health"');
    expect(tools.commands()).toEqual([
      'kubectl -n berth exec deployment/berth -- node scripts/token.mjs smoke-test',
      'kubectl -n berth port-forward service/berth :http',
    ]);
  });

  it('uses the address and the token that it is given', async () => {
    const tools = cluster('deployed');
    const settings = { BERTH_URL: 'http://127.0.0.1:9', BERTH_TOKEN: 'x', SMOKE_WAIT_SECONDS: '0' };
    expect(await tools.run('smoke-deployed', ['dev'], { KUBECONFIG, ...settings })).toMatchObject({ code: 1 });
    expect(tools.called()).toEqual([]);
  });

  it.each([
    ['exec', 'no token'],
    ['port-forward', 'cannot be reached'],
  ])('says what is wrong when kubectl %s fails', async (verb, sentence) => {
    const tools = cluster('deployed').answer('kubectl', 'token').answer(`kubectl -n berth ${verb}`, { code: 1 });
    const { code, stderr } = await tools.run('smoke-deployed', ['dev'], { KUBECONFIG });
    expect(code).toBe(1);
    expect(stderr).toContain(sentence);
  });
});
