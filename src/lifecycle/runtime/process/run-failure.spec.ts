import { failureOfCrashLoop, failureOfRun } from './run-failure.js';

const MIB = 1024 * 1024;

describe('why a run failed', () => {
  it.each`
    exit                     | words
    ${{ code: 1 }}           | ${'exited with code 1'}
    ${{ code: 0 }}           | ${'exited with code 0, though a pod has to go on serving'}
    ${{ signal: 'SIGSEGV' }} | ${'was ended by SIGSEGV'}
    ${{ signal: 'SIGKILL' }} | ${'was killed with SIGKILL, by a person or by the kernel for want of memory'}
  `('is said in words: $words', ({ exit, words }: { exit: object; words: string }) => {
    expect(failureOfRun({ exit, readyForMs: 0 })).toEqual({ reason: 'Exited', message: `The process ${words}.` });
  });

  it('is another word when it never began', () => {
    expect(failureOfRun({ exit: { error: 'spawn /bin/sh EMFILE' }, readyForMs: 0 })).toEqual({
      reason: 'StartError',
      message: 'The process could not be started: spawn /bin/sh EMFILE.',
    });
  });

  it('names use and limit of one that was killed for its memory', () => {
    const run = { exit: { signal: 'SIGKILL' as const }, readyForMs: 5, overBytes: 150.5 * MIB };
    expect(failureOfRun(run, 128 * MIB)).toEqual({
      reason: 'OOMKilled',
      message: 'The process was killed: it used 151 MiB, its memory limit is 128 MiB (resources.limits.memory).',
    });
  });
});

describe('why it is not started again', () => {
  const last = { reason: 'Exited', message: 'The process exited with code 1.' };

  it('is a crash loop, with how it ended and what it printed', () => {
    expect(failureOfCrashLoop(last, 'no\nway')).toEqual({
      reason: 'CrashLoopBackOff',
      message:
        'The process exited with code 1. That was the third time without 60 s of Ready between. It printed last:\nno\nway',
    });
  });

  it('says so when it printed nothing', () => {
    expect(failureOfCrashLoop(last, '').message).toMatch(/It printed nothing\.$/);
  });

  it.each(['OOMKilled', 'StartError'])('is %s when that ended the last run', (reason) => {
    expect(failureOfCrashLoop({ reason, message: 'It failed.' }, '').reason).toBe(reason);
  });
});
