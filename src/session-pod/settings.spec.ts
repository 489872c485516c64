import { readSettings } from './settings.js';

describe('the settings of the session application', () => {
  it('have defaults for all', () => {
    expect(readSettings({})).toEqual({
      port: 8080,
      host: undefined,
      sessionId: undefined,
      stateFilePath: '/tmp/session-state.json',
      logLevel: 'info',
    });
  });

  it('come from the environment', () => {
    const env = { PORT: '0', HOST: '127.0.0.1', SESSION_ID: 's1', STATE_FILE_PATH: '/state/s.json', LOG_LEVEL: 'warn' };
    expect(readSettings(env)).toEqual({
      port: 0,
      host: '127.0.0.1',
      sessionId: 's1',
      stateFilePath: '/state/s.json',
      logLevel: 'warn',
    });
  });

  it.each([{ PORT: '65536' }, { PORT: 'http' }, { PORT: '-1' }, { LOG_LEVEL: 'loud' }])('are refused: %j', (env) => {
    expect(() => readSettings(env)).toThrow(Object.keys(env)[0]);
  });
});
