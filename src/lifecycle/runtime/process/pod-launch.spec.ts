import { plainTemplate } from '../../../../test/support/process-runtime.js';
import { sessionId } from '../../../../test/support/openings.js';
import { launchOf, whyNotStart, type Surroundings } from './pod-launch.js';

const PLACE = { port: 20_123, folder: '/states/one' };
const SURROUNDINGS: Surroundings = {
  defaultCommand: ['/usr/bin/node', 'session-pod.js'],
  baseEnv: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
  logLevel: 'info',
};

describe('what is started for a pod', () => {
  it('is the default command, unless the template names another; arguments follow', () => {
    const commandOf = (command?: string[]): readonly string[] =>
      launchOf({ template: plainTemplate([], { command, args: ['--fast'] }), place: PLACE }, SURROUNDINGS).command;
    expect(commandOf()).toEqual(['/usr/bin/node', 'session-pod.js', '--fast']);
    expect(commandOf(['python3', '-m', 'app'])).toEqual(['python3', '-m', 'app', '--fast']);
  });

  it('is told by the template and its client what it needs, and by Berth, last, where it is', () => {
    const template = plainTemplate([], { env: { COLOUR: 'red', HOME: '/elsewhere', PORT: '1' } });
    const session = { id: sessionId('s-1'), env: { COLOUR: 'green', SESSION_ID: 'another' } };
    expect(launchOf({ template, place: PLACE, session }, SURROUNDINGS).env).toEqual({
      PATH: '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      LOG_LEVEL: 'info',
      COLOUR: 'green',
      HOME: '/elsewhere',
      TMPDIR: '/states/one',
      SESSION_ID: 's-1',
      HOST: '127.0.0.1',
      PORT: '20123',
      STATE_FILE_PATH: '/states/one/session-state.json',
    });
  });

  it('knows no session while it is warm', () => {
    const { env } = launchOf({ template: plainTemplate(), place: PLACE }, SURROUNDINGS);
    expect(env).not.toHaveProperty('SESSION_ID');
    expect(env).toHaveProperty('PORT', '20123');
  });

  it('has the memory limit of its template, or none', () => {
    const limitOf = (memory?: string): number | undefined =>
      launchOf(
        { template: plainTemplate([], { resources: { limits: memory ? { memory } : {} } }), place: PLACE },
        SURROUNDINGS,
      ).memoryLimitBytes;
    expect(limitOf('2Mi')).toBe(2_097_152);
    expect(limitOf()).toBeUndefined();
    expect(() => limitOf('2 Mi')).toThrow(/"2 Mi" of template plain/);
  });
});

describe('a command', () => {
  const tried = (command: readonly string[]): ReturnType<typeof whyNotStart> =>
    whyNotStart({ command, env: { PATH: '/usr/bin:/bin' }, healthPath: '/', ...PLACE });

  it.each([['sh'], ['/bin/sh'], [process.execPath]])('%s can be started', (program) => {
    expect(tried([program])).toBeUndefined();
  });

  it.each([
    [['no-such-program'], /"no-such-program" is not in PATH \(\/usr\/bin:\/bin\)/],
    [['./server.js'], /"\.\/server\.js" is no executable file.*absolute path/],
    [['/etc/passwd'], /"\/etc\/passwd" is no executable file/],
    [[], /no command/],
  ])('%j cannot, and it is said why', (command, words) => {
    expect(tried(command)).toMatchObject({ reason: 'CommandNotFound', message: expect.stringMatching(words) });
  });
});
