#!/usr/bin/env node
// Does with a running Berth what a user does, step by step, and says how long each took: scripts/smoke.mjs [BASE_URL]
//
//   BERTH_URL           where it is, when no argument says so
//   BERTH_TOKEN         a token; or AUTH_TOKEN_SECRET, with which one is signed for this run, for AUTH_ISSUER and AUTH_AUDIENCE
//   SMOKE_BUNDLED       false: sessions run another application than the bundled one, which only has to answer
//   SMOKE_WAIT_SECONDS  how long Berth may take to be ready (default 60)
//
// Ends with 1 and the step that failed. Needs nothing but Node 20 or later; the image has it, `helm test` runs it there.
import { createHmac, randomUUID } from 'node:crypto';

const CALL_MS = 150_000;
const GONE_MS = 60_000;
const base = (process.argv[2] ?? process.env.BERTH_URL ?? '').replace(/\/+$/, '');
const waitSeconds = Number(process.env.SMOKE_WAIT_SECONDS ?? 60);
const id = `smoke-${randomUUID()}`;
const token = process.env.BERTH_TOKEN ?? signed(process.env.AUTH_TOKEN_SECRET);
const isBundled = process.env.SMOKE_BUNDLED !== 'false';
const mark = randomUUID();

function signed(secret) {
  if (!secret) return undefined;
  const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const iat = Math.floor(Date.now() / 1_000);
  const { AUTH_ISSUER: iss, AUTH_AUDIENCE: aud } = process.env;
  const claims = { sub: 'smoke-test', iat, exp: iat + 900, ...(iss && { iss }), ...(aud && { aud }) };
  const content = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}

async function call(method, path, { body, expected = [200], authorization = `Bearer ${token}` } = {}) {
  const answer = await fetch(`${base}${path}`, {
    method,
    headers: { ...(authorization && { authorization }), ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_MS),
  });
  const text = await answer.text();
  if (expected && !expected.includes(answer.status))
    throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 500)}`);
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

function assert(isTrue, sentence) {
  if (!isTrue) throw new Error(sentence);
}

async function untilReady() {
  const untilMs = Date.now() + waitSeconds * 1_000;
  for (;;) {
    const outcome = await call('GET', '/health/ready', { authorization: '' }).catch((error) => error);
    if (!(outcome instanceof Error)) return;
    if (Date.now() > untilMs) throw outcome;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Its pod may take as long to stop as it likes, within its grace period. */
async function untilGone() {
  const untilMs = Date.now() + GONE_MS;
  for (;;) {
    const { status, text } = await call('GET', session('/status'), { expected: [200, 404] });
    if (status === 404) return;
    if (Date.now() > untilMs) throw new Error(`the session is still there: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

const session = (path) => `/api/v1/session/${id}${path}`;

const BUNDLED = [
  [
    'execute',
    async () => {
      const { body } = await call('POST', session('/execute'), { body: { data: { mark } } });
      assert(body?.executions === 1, `the first execute of a new session says ${body?.executions} executions`);
    },
  ],
  [
    'state kept',
    async () => {
      const { body } = await call('POST', session('/execute'), { body: { data: {} } });
      assert(body?.previous?.mark === mark, 'the second execute did not find the state of the first');
    },
  ],
  [
    'proxy',
    async () => {
      const { text } = await call('GET', session('/proxy/state'));
      assert(text.includes(mark), 'the pod, asked through the proxy, does not have the state');
    },
  ],
];

const ANOTHER = [
  [
    'proxy',
    async () => {
      const { status, headers, text } = await call('GET', session('/proxy/'), { expected: null });
      const isBerths = headers.get('content-type')?.startsWith('application/problem+json');
      assert(!isBerths, `Berth answered ${status} in place of the pod: ${text.slice(0, 500)}`);
    },
  ],
];

const STEPS = [
  ['health', untilReady],
  ['token refused without', () => call('GET', session('/status'), { authorization: '', expected: [401] })],
  ['create', () => call('PUT', session(''), { body: {}, expected: [201] })],
  ...(isBundled ? BUNDLED : ANOTHER),
  [
    'status',
    async () => {
      const { body } = await call('GET', session('/status'));
      assert(body?.state === 'ready', `the session is ${body?.state}`);
      assert(body.generation === 1, `it is of generation ${body.generation}: its pod was replaced meanwhile`);
    },
  ],
  ['delete', () => call('DELETE', session(''), { expected: [204] })],
  ['gone', untilGone],
];

async function run() {
  for (const [name, step] of STEPS) {
    const beganAtMs = performance.now();
    try {
      await step();
    } catch (error) {
      const cause = error.cause ? ` (${error.cause.message ?? error.cause})` : '';
      console.error(`FAILED at step "${name}": ${error.message}${cause}`);
      await call('DELETE', session(''), { expected: [204, 404] }).catch(() => undefined);
      return 1;
    }
    console.log(`${name.padEnd(24)} ok ${(performance.now() - beganAtMs).toFixed(0).padStart(7)} ms`);
  }
  console.log(`Berth at ${base} serves sessions.`);
  return 0;
}

if (!/^https?:/.test(base) || !URL.canParse(base) || !token || !(waitSeconds >= 0)) {
  console.error('Usage: BERTH_TOKEN=… (or AUTH_TOKEN_SECRET=…) [SMOKE_WAIT_SECONDS=60] scripts/smoke BASE_URL');
  process.exitCode = 2;
} else {
  process.exitCode = await run();
}
