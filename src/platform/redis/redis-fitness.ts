import type { Logger } from '../logger.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisUnfit } from './redis-errors.js';

const OLDEST_MAJOR = 7;

const SECTIONS = ['server', 'replication', 'memory', 'persistence'];

export type ServerFacts = Readonly<Record<string, string>>;

export interface Fault {
  event: string;
  sentence: string;
}

/** Says what is wrong with how the server is set up; throws where it cannot work at all. Managed servers forbid CONFIG, so INFO is asked. */
export async function reportFitness(connection: RedisConnection, logger: Logger): Promise<void> {
  const facts = factsOf(await Promise.all(SECTIONS.map((one) => connection.call('INFO', one))));
  const reason = unfitness(facts);
  if (reason) throw new RedisUnfit(`Redis at ${connection.server} ${reason}`);
  for (const { event, sentence } of faultsOf(facts)) {
    logger.warn({ event, server: connection.server }, `Redis at ${connection.server} ${sentence}`);
  }
}

export function factsOf(answers: readonly unknown[]): ServerFacts {
  const lines = answers.flatMap((answer) => String(answer).split('\r\n'));
  const pairs = lines.filter((line) => line.includes(':')).map((line) => line.split(/:(.*)/s, 2) as [string, string]);
  return Object.fromEntries(pairs);
}

/** Why this server cannot be used; undefined: it can. */
export function unfitness({ redis_mode: mode, redis_version: version }: ServerFacts): string | undefined {
  if (mode === 'cluster') return 'is a Redis Cluster, and a change needs several keys at once: use one primary.';
  if (mode === 'sentinel') return 'is a Sentinel: name the primary that it watches.';
  if (version !== undefined && Number.parseInt(version, 10) < OLDEST_MAJOR)
    return `is version ${version}: use ${OLDEST_MAJOR}.0 or later.`;
  return undefined;
}

/** What works today and loses sessions one day, and what does not work until somebody acts. */
export function faultsOf({ maxmemory_policy: policy, aof_enabled: aof, role }: ServerFacts): Fault[] {
  const faults: Fault[] = [];
  if (policy !== undefined && policy !== 'noeviction') {
    const sentence = `forgets sessions when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy to noeviction.`;
    faults.push({ event: 'redis.evicts', sentence });
  }
  if (aof === '0') {
    const sentence = 'forgets tombstones and creations when it restarts (appendonly no): set appendonly to yes.';
    faults.push({ event: 'redis.not_persistent', sentence });
  }
  if (role === 'slave') faults.push({ event: 'redis.replica', sentence: 'is a replica: name the primary.' });
  return faults;
}
