import { askedOf, listSchema, logsSchema, openSchema } from './session.dto.js';

describe('the body of an opening', () => {
  it('may be empty', () => {
    expect(askedOf(openSchema.parse({}))).toEqual({});
  });

  it('becomes what the lifecycle is asked', () => {
    const body = { template: 'gpu', idleTimeoutSeconds: 5, maxLifetimeSeconds: 0, env: { A: 'b' } };
    expect(askedOf(openSchema.parse(body))).toEqual({
      template: 'gpu',
      idleTimeoutMs: 5_000,
      maxLifetimeMs: 0,
      env: { A: 'b' },
    });
  });

  it.each([
    [null],
    [[]],
    ['text'],
    [{ other: 1 }],
    [{ template: '' }],
    [{ template: 7 }],
    [{ idleTimeoutSeconds: 0 }],
    [{ idleTimeoutSeconds: 1.5 }],
    [{ idleTimeoutSeconds: '60' }],
    [{ idleTimeoutSeconds: 1e10 }],
    [{ maxLifetimeSeconds: -1 }],
    [{ env: { A: 1 } }],
    [{ env: { A: 'a\0b' } }],
    [{ env: { '': 'x' } }],
    [{ env: [] }],
    [{ env: { A: 'x'.repeat(70_000) } }],
  ])('is not %j', (body) => {
    expect(openSchema.safeParse(body).success).toBe(false);
  });
});

describe('what a list is asked for', () => {
  it('is a hundred of any where nothing is said', () => {
    expect(listSchema.parse({})).toEqual({ limit: 100 });
  });

  it('may name everything', () => {
    const query = { limit: '1000', cursor: 'c', state: 'healing', owner: 'ann', template: 'gpu' };
    expect(listSchema.parse(query)).toEqual({ ...query, limit: 1_000 });
  });

  it.each([
    { limit: '0' },
    { limit: '1001' },
    { limit: '-1' },
    { limit: '1e2' },
    { limit: '' },
    { limit: ['1', '2'] },
    { state: 'gone' },
    { cursor: '' },
    { status: 'ready' },
  ])('is not %j', (query) => {
    expect(listSchema.safeParse(query).success).toBe(false);
  });
});

describe('what of the logs is asked for', () => {
  it.each([
    [{}, { follow: false }],
    [{ follow: '1' }, { follow: true }],
    [
      { follow: 'true', tail: '0' },
      { follow: true, tail: 0 },
    ],
    [
      { follow: '0', tail: '20' },
      { follow: false, tail: 20 },
    ],
  ])('%j is %j', (query, asked) => {
    expect(logsSchema.parse(query)).toEqual(asked);
  });

  it.each([{ follow: 'yes' }, { follow: '' }, { tail: '-1' }, { tail: 'all' }, { lines: '3' }])(
    'is not %j',
    (query) => {
      expect(logsSchema.safeParse(query).success).toBe(false);
    },
  );
});
