import { LifecycleError } from './lifecycle.errors.js';

declare const checked: unique symbol;
/** A session id that was checked: it can stand in a path, a key or a log line as it is. */
export type SessionId = string & { readonly [checked]: true };

const LEGAL = /^[A-Za-z0-9](?:[A-Za-z0-9._~-]{0,126}[A-Za-z0-9])?$/;

export function isSessionId(text: string): text is SessionId {
  return LEGAL.test(text);
}

export function parseSessionId(text: string): SessionId {
  if (isSessionId(text)) return text;
  throw new LifecycleError(
    'INVALID_SESSION_ID',
    'A session id is 1 to 128 of A-Z a-z 0-9 . _ ~ - and starts and ends with a letter or a digit.',
  );
}
