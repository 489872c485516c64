import { execute, newState, parseState, writeState } from './session-state.js';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

describe('the state of a session', () => {
  const fresh = newState('s1', at(0));

  it('begins with nothing', () => {
    expect(fresh).toMatchObject({ sessionId: 's1', executions: 0, data: null });
  });

  it('merges objects key by key, one level deep', () => {
    const first = execute(fresh, { a: 1, inner: { x: 1 } }, at(1));
    const second = execute(first, { b: 2, inner: { y: 2 } }, at(2));
    expect(second).toMatchObject({
      executions: 2,
      data: { a: 1, b: 2, inner: { y: 2 } },
      updatedAt: at(2).toISOString(),
    });
    expect((second.data as { inner: object }).inner).toEqual({ y: 2 });
  });

  it.each([[[1, 2]], ['text'], [7], [false], [null]])('is replaced by what is no object: %j', (value) => {
    const before = execute(fresh, { a: 1 }, at(1));
    expect(execute(before, value, at(2)).data).toEqual(value);
  });

  it('treats __proto__ as a key like any other', () => {
    const hostile = JSON.parse('{"__proto__": {"polluted": true}}') as { [key: string]: null };
    const after = execute(execute(fresh, { a: 1 }, at(1)), hostile, at(2));
    expect(JSON.stringify(after.data)).toBe('{"a":1,"__proto__":{"polluted":true}}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('reads back what it writes', () => {
    const state = execute(fresh, { a: [1, 'zwei', null] }, at(1));
    expect(parseState(writeState(state))).toEqual(state);
  });

  it.each(['', '{', 'null', '[]', '{}', '{"format":"berth-session-state/1"}', '{"executions":1,"data":1}'])(
    'refuses a text that is no state: %s',
    (text) => {
      expect(() => parseState(text)).toThrow();
    },
  );
});
