import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { FakeTools } from '../support/fake-tools.js';
import { startCommand } from '../support/start-command.js';

const COMMIT = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8', cwd: __dirname }).trim();
const ECR_REGISTRY = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';

describe('scripts/build-image', () => {
  it('builds with docker, tags by commit and build, and writes down what it built', async () => {
    const tools = new FakeTools('docker').answer('docker image inspect', '212000000\n');
    const { code, stdout } = await tools.run('build-image', [], { BUILD_NUMBER: '7' });
    expect(code).toBe(0);
    expect(tools.commands()[0]).toMatch(
      new RegExp(`^docker build --build-arg VERSION=\\S+ --build-arg REVISION=${COMMIT} -t berth:${COMMIT}-7 \\.$`),
    );
    expect(tools.read('image.txt')).toBe(`berth:${COMMIT}-7`);
    expect(stdout).toContain('212 MB');
  });

  it('builds with buildah where there is no docker', async () => {
    const tools = new FakeTools('buildah').answer('buildah images', '[{"size":"212 MB"}]');
    expect(await tools.run('build-image', ['mine'])).toMatchObject({
      code: 0,
      stdout: 'build-image: berth:mine, 212 MB\n',
    });
    expect(tools.read('image.txt')).toBe('berth:mine');
  });

  it('writes nothing down when the build fails', async () => {
    const tools = new FakeTools('docker').answer('docker build', { code: 4 });
    expect(await tools.run('build-image', [])).toMatchObject({ code: 4 });
    expect(() => tools.read('image.txt')).toThrow();
  });
});

describe('the image', () => {
  it('runs what `npm start` runs', () => {
    const [, command] = /^CMD (\[.*\])$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
    const [node, ...words] = JSON.parse(command!) as string[];
    expect([node, ...words.map((word) => (word.startsWith('-') ? word : resolve(word)))]).toEqual([
      'node',
      ...startCommand(),
    ]);
  });
});

describe('scripts/scan', () => {
  const scanned = (tools: FakeTools): string[] => tools.called().map(({ words }) => words.slice(0, 2).join(' '));

  it('looks at dependencies, configuration and image, and stops for what is HIGH or CRITICAL', async () => {
    const tools = new FakeTools('trivy', 'docker');
    expect(await tools.run('scan', ['berth:mine'])).toMatchObject({ code: 0 });
    expect(scanned(tools)).toEqual(['trivy fs', 'trivy config', 'trivy image']);
    expect(
      tools.called().every(({ words }) => words.join(' ').includes('--exit-code 1 --severity HIGH,CRITICAL')),
    ).toBe(true);
    expect(tools.commands().at(-1)).toMatch(/ berth:mine$/);
  });

  it.each([
    ['fs', 'dependencies'],
    ['config', 'configuration'],
    ['image', 'image'],
  ])('fails for a finding of trivy %s, after all three', async (verb, what) => {
    const tools = new FakeTools('trivy', 'docker').answer(`trivy ${verb}`, { code: 1 });
    const { code, stderr } = await tools.run('scan', ['berth:mine']);
    expect(code).toBe(1);
    expect(stderr).toContain(`stopped by ${what}`);
    expect(scanned(tools)).toHaveLength(3);
  });

  it('hands Trivy a file of the image where buildah keeps it', async () => {
    const tools = new FakeTools('trivy', 'buildah');
    expect(await tools.run('scan', ['berth:mine'])).toMatchObject({ code: 0 });
    const [archive] = /\/\S+\.tar/.exec(tools.commands().find((command) => command.startsWith('buildah push'))!)!;
    expect(tools.commands().at(-1)).toContain(`--input ${archive}`);
  });
});

describe('scripts/push-image', () => {
  const REMOTE = `${ECR_REGISTRY}/berth`;
  const withDocker = (digests: string): FakeTools => {
    const tools = new FakeTools('docker', 'aws')
      .answer('aws ecr', 'a-password')
      .answer('docker image inspect', digests);
    tools.file('image.txt', 'berth:abc\n');
    return tools;
  };

  it('writes down the name by the digest that this registry gave', async () => {
    const tools = withDocker(`elsewhere/berth@sha256:9999\n${REMOTE}@sha256:0123\n`);
    expect(await tools.run('push-image', [], { ECR_REGISTRY })).toMatchObject({ code: 0 });
    expect(tools.commands()).toContain(`docker push ${REMOTE}:abc`);
    expect(tools.read('image.txt')).toBe(`${REMOTE}@sha256:0123`);
  });

  it('passes the password through a pipe and keeps the log-in to itself', async () => {
    const tools = withDocker(`${REMOTE}@sha256:0123\n`);
    const { stdout, stderr } = await tools.run('push-image', [], { ECR_REGISTRY });
    expect([...tools.commands(), stdout, stderr].join()).not.toContain('a-password');
    const logIn = tools.called().find(({ words }) => words[1] === 'login')!;
    expect(logIn.stdin).toBe('a-password');
    expect(logIn.env.DOCKER_CONFIG).toContain(tools.folder);
    expect(tools.commands()[0]).toBe('aws ecr get-login-password --region eu-central-1');
  });

  it('fails when the registry gives no digest, and leaves the name as it was', async () => {
    const tools = withDocker('elsewhere/berth@sha256:9999\n');
    expect(await tools.run('push-image', [], { ECR_REGISTRY })).toMatchObject({ code: 1 });
    expect(tools.read('image.txt')).toBe('berth:abc');
  });

  it('fails when the log-in does', async () => {
    const tools = withDocker(`${REMOTE}@sha256:0123\n`).answer('aws ecr', { code: 254 });
    expect((await tools.run('push-image', [], { ECR_REGISTRY })).code).not.toBe(0);
    expect(tools.commands().some((command) => command.startsWith('docker push'))).toBe(false);
  });
});

describe('scripts/analyse', () => {
  const settings = { SONAR_HOST_URL: 'https://sonar.example', SONAR_AUTH_TOKEN: 'a-secret' };

  it('measures coverage first, and passes the token in the environment', async () => {
    const tools = new FakeTools('npm', 'sonar-scanner').answer('sonar-scanner', { code: 6 });
    expect(await tools.run('analyse', ['-Dsonar.qualitygate.wait=true'], settings)).toMatchObject({ code: 6 });
    expect(tools.commands()[0]).toContain('--coverage');
    expect(tools.called()[1]).toMatchObject({
      words: ['sonar-scanner', '-Dsonar.qualitygate.wait=true'],
      env: { SONAR_TOKEN: 'a-secret' },
    });
  });
});

describe('scripts/clean-up', () => {
  it('removes the image of this build under all its names', async () => {
    const tools = new FakeTools('docker').answer('docker image inspect', 'sha256:77\n');
    expect(await tools.run('clean-up', [], { BUILD_NUMBER: '7' })).toMatchObject({ code: 0 });
    expect(tools.commands()).toEqual([
      `docker image inspect --format {{.Id}} berth:${COMMIT}-7`,
      'docker image rm --force sha256:77',
    ]);
  });

  it('does not fail where there is no image, or no docker', async () => {
    const without = new FakeTools('docker').answer('docker image inspect', { code: 1 });
    expect(await without.run('clean-up', [])).toMatchObject({ code: 0 });
    expect(await new FakeTools().run('clean-up', [])).toMatchObject({ code: 0 });
  });
});

describe('a script whose tool or setting is missing', () => {
  it.each([
    ['build-image', [], /docker nor buildah/],
    ['scan', ['trivy'], /scripts\/build-image/],
    ['scan', [], /trivy/],
    ['analyse', [], /sonar-scanner/],
    ['analyse', ['sonar-scanner'], /SONAR_HOST_URL/],
    ['push-image', [], /ECR_REGISTRY/],
  ])('says so in one line and ends with 3: %s with %j', async (script, tools: string[], sentence) => {
    const { code, stderr } = await new FakeTools(...tools).run(script, []);
    expect(code).toBe(3);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
