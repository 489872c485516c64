import { isLogLevel, type LogLevel } from './log.js';

/** All that the application is told from outside. This file alone reads the environment. */
export interface PodSettings {
  port: number;
  /** Undefined: every address. */
  host?: string;
  /** Undefined in a warm pod, which learns it from its first request. */
  sessionId?: string;
  stateFilePath: string;
  logLevel: LogLevel;
}

export function readSettings(env: NodeJS.ProcessEnv = process.env): PodSettings {
  return {
    port: readPort(env.PORT || '8080'),
    host: env.HOST || undefined,
    sessionId: env.SESSION_ID || undefined,
    stateFilePath: env.STATE_FILE_PATH || '/tmp/session-state.json',
    logLevel: readLogLevel(env.LOG_LEVEL || 'info'),
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new Error(`PORT is not a port number from 0 to 65535: ${text}`);
}

function readLogLevel(text: string): LogLevel {
  if (isLogLevel(text)) return text;
  throw new Error(`LOG_LEVEL is none of trace, debug, info, warn, error, fatal: ${text}`);
}
