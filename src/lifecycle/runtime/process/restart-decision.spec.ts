import { afterRun } from './restart-decision.js';

describe('what follows the end of a run', () => {
  it.each`
    restartsInARow | readyForMs   | next         | pauseMs      | counted
    ${0}           | ${0}         | ${'restart'} | ${0}         | ${1}
    ${0}           | ${59_999}    | ${'restart'} | ${0}         | ${1}
    ${1}           | ${0}         | ${'restart'} | ${400}       | ${2}
    ${1}           | ${59_999}    | ${'restart'} | ${400}       | ${2}
    ${2}           | ${0}         | ${'give-up'} | ${undefined} | ${undefined}
    ${2}           | ${59_999}    | ${'give-up'} | ${undefined} | ${undefined}
    ${2}           | ${60_000}    | ${'restart'} | ${0}         | ${1}
    ${1}           | ${60_000}    | ${'restart'} | ${0}         | ${1}
    ${0}           | ${3_600_000} | ${'restart'} | ${0}         | ${1}
  `(
    'after $restartsInARow restarts in a row and $readyForMs ms of Ready it is $next',
    ({ restartsInARow, readyForMs, next, pauseMs, counted }: Record<string, number> & { next: string }) => {
      const expected = next === 'give-up' ? { next } : { next, pauseMs, restartsInARow: counted };
      expect(afterRun({ restartsInARow, readyForMs } as never)).toEqual(expected);
    },
  );

  it('gives up exactly at the third restart of a process that always dies at once', () => {
    let restarts = 0;
    for (let after = afterRun({ restartsInARow: 0, readyForMs: 0 }); after.next === 'restart'; restarts++) {
      after = afterRun({ restartsInARow: after.restartsInARow, readyForMs: 0 });
    }
    expect(restarts).toBe(2);
  });
});
