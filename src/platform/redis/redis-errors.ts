/**
 * Redis does not answer, or not as a server in service does: nothing is known, and a change that was asked for may have
 * been made. Worth asking again later.
 */
export class RedisAway extends Error {
  override name = 'RedisAway';
}

/** This server can never be ours: whoever set it up has to act. */
export class RedisUnfit extends Error {
  override name = 'RedisUnfit';
}

/** What a server that is there answers while it cannot do its work, or not for us. Somebody may put it right meanwhile. */
const OUTAGES = new Set([
  ...['LOADING', 'READONLY', 'MASTERDOWN', 'NOREPLICAS', 'CLUSTERDOWN', 'BUSY', 'OOM', 'MISCONF'],
  ...['NOAUTH', 'WRONGPASS', 'NOPERM'],
]);

/** The same where Redis has no word for it: too many clients; a script that our user may not run to its end. */
const UNNAMED_OUTAGES = /max number of clients|user executing the script/;

/** The word that a reply of Redis begins with when it is an error; undefined: the error came from nearer by. */
export function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  return /^-?([A-Z]+)\b/.exec(error.message)?.[1];
}

/** What went wrong, in our words. A refusal that is a mistake of ours stays what it is. */
export function translated(error: unknown, server: string): Error {
  const known = withoutArguments(error);
  const code = replyCode(known);
  if (code === undefined) return away(known, server);
  return OUTAGES.has(code) || UNNAMED_OUTAGES.test(known.message) ? away(known, server) : known;
}

function away(cause: Error, server: string): RedisAway {
  return new RedisAway(`Redis at ${server} cannot be used now: ${cause.message}`, { cause });
}

/** ioredis hangs the whole command on its errors, the password of an AUTH and the data of a session included. */
function withoutArguments(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { command } = error as { command?: { name?: string } };
  if (command) Object.assign(error, { command: { name: command.name } });
  return error;
}
