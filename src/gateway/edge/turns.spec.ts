import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';

import { eventually } from '../../../test/support/eventually.js';
import { at, AUTH, fair, TwoSessions } from '../../../test/support/gateway/two-sessions.js';
import { lines, statuses } from '../../../test/support/raw-request.js';
import { Turns } from './turns.js';

const two = new TwoSessions();
/** Lets the pod of `a` answer, which it does not before. */
let open: () => void;

async function setUp(headersTimeoutMs?: number): Promise<void> {
  await two.setUp({}, { headersTimeoutMs });
  const opened = new Promise<void>((resolve) => (open = resolve));
  two.a.gate = () => opened;
}
afterEach(() => two.tearDown());

const FIRST = fair('POST', at('a', '/1'), 'Content-Length: 0');
const SECOND = fair('GET', at('b', '/2'));
const REFUSED = lines(`GET ${at('b')} HTTP/1.1`, AUTH, '');
const WEBSOCKET = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: a'];

/** The pod of `a` has the first request; for no other one was a session even asked for. */
async function firstIsHeld(): Promise<void> {
  await eventually(() => expect(two.a.seen).toEqual(['POST /1']));
  expect(two.entered).toEqual(['a']);
}

describe('requests on one connection', () => {
  beforeEach(() => setUp());

  it.each([
    ['another session', SECOND, [200, 200], ['GET /2']],
    ['one that is refused', REFUSED + SECOND, [200, 400], []],
    ['one that is no request', `NOPE\r\n\r\n${SECOND}`, [200, 400], []],
    ['one whose body is none', `${fair('POST', at('b'), 'Transfer-Encoding: chunked')}zz\r\n`, [200, 400], []],
    ['one for a tunnel', `CONNECT b:1 HTTP/1.1\r\nHost: b\r\n\r\n${SECOND}`, [200, 400], []],
    ['the last one', fair('GET', at('b', '/2'), 'Connection: close') + SECOND, [200, 200], ['GET /2']],
    ['a WebSocket', fair('GET', at('b', '/2'), ...WEBSOCKET), [200, 200], ['GET /2']],
    ['a WebSocket, and something behind it', fair('GET', at('b', '/2'), ...WEBSOCKET) + SECOND, [200, 200], ['GET /2']],
  ])('wait for each other’s answers: %s', async (_name, rest, expected, seen) => {
    const asked = two.send(FIRST + rest, { until: /<b GET \/2/ });
    await firstIsHeld();
    open();
    const answer = await asked;
    expect(statuses(answer)).toEqual(expected);
    expect(answer.text.indexOf('<a POST /1')).toBeLessThan(answer.text.lastIndexOf('HTTP/1.1 '));
    expect([two.a.seen, two.b.seen]).toEqual([['POST /1'], seen]);
  });

  it.each([
    ['a request', SECOND],
    ['an empty line', '\r\n'],
    ['nonsense', 'NOPE\r\n\r\n'],
  ])('end with the one that says so, which is answered although %s follows', async (_name, rest) => {
    const asked = two.send(fair('POST', at('a', '/1'), 'Connection: close', 'Content-Length: 0') + rest);
    await firstIsHeld();
    open();
    const answer = await asked;
    expect([statuses(answer), answer.closed]).toEqual([[200], true]);
    expect(two.entered).toEqual(['a']);
  });
});

it('a request may wait for longer than a head may take, and half a head behind it', async () => {
  await setUp(500);
  const asked = two.send(FIRST + 'GET ');
  await firstIsHeld();
  expect(statuses(await two.send('GET '))).toEqual([400]); // came later, and was too late
  open();
  const answer = await asked;
  expect([statuses(answer), answer.closed]).toEqual([[200], true]);
});

it('a connection is not read on while too many requests wait on it', () => {
  const socket = new PassThrough();
  const turns = new Turns();
  const answers = Array.from({ length: 20 }, () => new EventEmitter());
  for (const answer of answers) turns.wait({ socket } as never, answer as never, () => undefined);
  expect(socket.isPaused()).toBe(true);
  for (const answer of answers.slice(0, 4)) answer.emit('socket');
  expect(socket.isPaused()).toBe(true);
  answers[4]!.emit('socket');
  expect(socket.isPaused()).toBe(false);
});
