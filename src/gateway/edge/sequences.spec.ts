import fc from 'fast-check';

import { at, AUTH, fair, TwoSessions } from '../../../test/support/gateway/two-sessions.js';
import { lines } from '../../../test/support/raw-request.js';

/** A request, what is to come of it, and whether it is the last on its connection. */
interface Move {
  bytes: string;
  status: number;
  /** What the pod of which session is to see. */
  served?: { by: 'a' | 'b'; line: string; body: string };
  isLast: boolean;
}

const two = new TwoSessions();
beforeAll(() => two.setUp());
afterAll(() => two.tearDown());

const HIDDEN = fair('GET', at('b', '/hidden'));
const body = fc.oneof(
  fc.constantFrom('', HIDDEN, '0\r\n\r\n', '\r\n'),
  fc.string({ unit: 'binary-ascii', maxLength: 40 }),
);
const session = fc.constantFrom<'a' | 'b'>('a', 'b');
const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS');

function asked(name: string, by: 'a' | 'b', text: string): Pick<Move, 'status' | 'served'> {
  return { status: 200, served: { by, line: `${name} /x HTTP/1.1`, body: text } };
}

const sized = fc.tuple(session, method, body).map(([by, name, text]): Move => {
  const bytes = fair(name, at(by, '/x'), `Content-Length: ${text.length}`) + text;
  return { bytes, ...asked(name, by, text), isLast: false };
});
const chunked = fc
  .tuple(session, method, fc.array(body.filter(Boolean), { maxLength: 3 }))
  .map(([by, name, texts]): Move => {
    const chunks = texts.flatMap((text) => [text.length.toString(16), text]);
    const bytes = fair(name, at(by, '/x'), 'Transfer-Encoding: chunked') + lines(...chunks, '0', '');
    return { bytes, ...asked(name, by, texts.join('')), isLast: false };
  });
const named = session.map((by): Move => {
  const bytes = fair('GET', '/x', `X-Session-ID: ${by}`, `X-User-ID: ${by === 'a' ? 'b' : 'a'}`);
  return { bytes, ...asked('GET', by, ''), isLast: false };
});
/** Refused for what they ask, not for how: the connection goes on behind their bodies. */
const refused = body.chain((text) => {
  const length = `Content-Length: ${text.length}`;
  const heads: [number, string][] = [
    [404, fair('POST', at('nobody'), length)],
    [400, fair('POST', at('-'), length)],
    [400, fair('POST', '/x', 'X-Session-ID: a', 'X-Session-ID: b', length)],
    [401, lines(`POST ${at('a')} HTTP/1.1`, 'Host: h', length, '')],
  ];
  return fc.constantFrom(...heads).map(([status, head]): Move => ({ bytes: head + text, status, isLast: false }));
});
const ambiguous = fc
  .constantFrom(
    lines(`GET ${at('a')} HTTP/1.1`, AUTH, ''),
    fair('GET', at('a'), 'Host: other'),
    fair('POST', at('a'), 'Transfer-Encoding: gzip, chunked') + lines('5', 'hello', '0', ''),
    fair('POST', at('a'), 'Transfer-Encoding: chunked', 'Content-Length: 5') + 'hello',
    fair('POST', at('a'), 'Transfer-Encoding: chunked') + lines('zz', 'hello', '0', ''),
    fair('GET', 'ftp://a/x', 'X-Session-ID: a'),
    lines('CONNECT b:80 HTTP/1.1', 'Host: b:80', AUTH, ''),
    lines('nonsense', ''),
  )
  .map((bytes): Move => ({ bytes, status: 400, isLast: true }));
const last = fc.tuple(session, fc.constantFrom('close', 'h2c', 'websocket')).map(([by, how]): Move => {
  const fields =
    how === 'close' ? ['Connection: Close'] : ['Connection: Upgrade', `Upgrade: ${how}`, 'Sec-WebSocket-Key: a'];
  return { bytes: fair('GET', at(by, '/x'), ...fields), ...asked('GET', by, ''), isLast: true };
});

const often = { weight: 4 };
const move = fc.oneof(
  { ...often, arbitrary: sized },
  { ...often, arbitrary: chunked },
  { ...often, arbitrary: refused },
  { ...often, arbitrary: named },
  { weight: 1, arbitrary: ambiguous },
  { weight: 1, arbitrary: last },
);
const END: Move = { bytes: fair('GET', at('a', '/x'), 'Connection: close'), ...asked('GET', 'a', ''), isLast: true };

it('whatever comes over a connection, each pod sees the requests of its session and each answer is to its request', async () => {
  const cuts = fc.array(fc.nat(1_000), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 7 }), cuts, async (moves, at) => {
      const expected = upToTheLast([...moves, END]);
      const seen = await play([...moves, END].map(({ bytes }) => bytes).join(''), at);
      expect(seen).toEqual({
        answers: expected.map(answerTo),
        a: servedBy('a', expected),
        b: servedBy('b', expected),
        faults: [],
      });
    }),
    { numRuns: 150 },
  );
});

/** Sends it in pieces, and says what everybody got. */
async function play(bytes: string, cuts: readonly number[]) {
  const pods = [two.a, two.b];
  for (const { requests, faults } of pods) requests.length = faults.length = 0;
  const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((one, other) => one - other), bytes.length];
  const { text, closed } = await two.send(places.slice(1).map((to, nth) => bytes.slice(places[nth], to)));
  const requestsTo = ({ requests }: (typeof pods)[0]) => requests.map(({ line, body }) => ({ line, body }));
  const faults = pods.flatMap((pod) => pod.faults);
  if (!closed) faults.push('the connection was left open');
  return { answers: answersIn(text), a: requestsTo(two.a), b: requestsTo(two.b), faults };
}

function upToTheLast(moves: readonly Move[]): readonly Move[] {
  return moves.slice(0, moves.findIndex(({ isLast }) => isLast) + 1);
}

function servedBy(name: 'a' | 'b', moves: readonly Move[]) {
  return moves.flatMap(({ served }) => (served?.by === name ? [{ line: served.line, body: served.body }] : []));
}

function answerTo({ status, served }: Move): [number, string | undefined] {
  return [status, served && `<${served.by} ${served.line} ${served.body}>`];
}

/** Each with its text, where a pod said it. */
function answersIn(text: string): [number, string | undefined][] {
  const answers: [number, string | undefined][] = [];
  for (let from = 0; from < text.length;) {
    const bodyFrom = text.indexOf('\r\n\r\n', from) + 4;
    const head = text.slice(from, bodyFrom);
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? [];
    const [, length] = /\r\ncontent-length: (\d+)\r\n/i.exec(head) ?? [];
    if (status === undefined || length === undefined) throw new Error(`no answer: ${text.slice(from)}`);
    from = bodyFrom + Number(length);
    answers.push([Number(status), status === '200' ? text.slice(bodyFrom, from) : undefined]);
  }
  return answers;
}
