import { failureOfCrashLoop, failureOfRun } from './run-failure.js';

const MIB = 1024 * 1024;

describe('why a run failed', () => {
  it.each`
    exit                            | words
    ${{ code: 1 }}                  | ${'exited with code 1'}
    ${{ code: 0 }}                  | ${'exited with code 0, though a pod has to go on serving'}
    ${{ signal: 'SIGSEGV' }}        | ${'was ended by SIGSEGV'}
    ${{ signal: 'SIGKILL' }}        | ${'was killed with SIGKILL, by a person or by the kernel for want of memory'}
    ${{ error: 'spawn sh EMFILE' }} | ${'could not be started: spawn sh EMFILE'}
  `('is said in words: $words', ({ exit, words }: { exit: object; words: string }) => {
    expect(failureOfRun({ exit, readyForMs: 0 })).toEqual({ reason: 'Exited', message: `The process ${words}.` });
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

  it('is want of memory when that ended the last run', () => {
    const { reason } = failureOfCrashLoop({ reason: 'OOMKilled', message: 'The process was killed.' }, '');
    expect(reason).toBe('OOMKilled');
  });
});
