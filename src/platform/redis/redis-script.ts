import { createHash } from 'node:crypto';

/** A script that the server runs from start to end with nothing between; the server knows it by its hash. */
export interface RedisScript {
  lua: string;
  sha: string;
}

export function redisScript(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}
