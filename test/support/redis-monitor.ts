import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

export interface SeenCommand {
  /** `lua`, or the client's address. */
  source: string;
  command: string;
  /** The first one; empty where there is none. */
  argument: string;
}

const LINE = /^\+[\d.]+ \[\d+ (\S+)\] "([^"]*)"(?: "([^"]*)")?/;

/**
 * Every command that a Redis carries out from now on. On a socket of its own: a client library takes a command that comes
 * with the answer to MONITOR, in one piece, for an answer.
 */
export async function monitorRedis(port: number, seen: (command: SeenCommand) => void): Promise<{ stop(): void }> {
  const socket = connect(port, '127.0.0.1');
  const lines = createInterface(socket).on('line', (line) => {
    const [, source, command, argument = ''] = LINE.exec(line) ?? [];
    if (source !== undefined && command !== undefined) seen({ source, command, argument });
  });
  socket.write('MONITOR\r\n');
  await once(lines, 'line'); // +OK
  return { stop: () => void socket.destroy() };
}
