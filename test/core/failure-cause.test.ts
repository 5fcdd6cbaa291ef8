import { describe, expect, it } from 'vitest';
import { failureCause, permanentExitCode } from '../../src/core/failure-cause.ts';
import type { FailureCause, Outcome } from '../../src/core/model.ts';

const EXITED: Outcome = { kind: 'exited', code: 1 };
const notStarted = (errno: string): Outcome => ({ kind: 'notStarted', errno, message: '' });

describe('the cause of a failed start', () => {
  it.each<[Outcome, readonly string[], FailureCause]>([
    [notStarted('ENOENT'), [], 'noBinary'],
    [notStarted('EACCES'), [], 'noBinary'],
    [notStarted('ENOEXEC'), [], 'noBinary'],
    [notStarted('EAGAIN'), [], 'unknown'],
    [notStarted('EMFILE'), ['cannot bind'], 'unknown'],
    [EXITED, ["cannot bind '127.0.0.1:80': Address already in use"], 'cannotBind'],
    [EXITED, ["cannot bind '0.0.0.0:80': Permission denied", 'exiting'], 'cannotBind'],
    [EXITED, ['unable to bind domain socket with base_id=0, id=0, errno=98'], 'unknown'],
    [EXITED, ['previous envoy process is still initializing'], 'unknown'],
    [{ kind: 'killed', signal: 'SIGKILL' }, [], 'unknown'],
  ])('of %j after %j is %s', (outcome, lastLines, cause) => {
    expect(failureCause(outcome, lastLines)).toBe(cause);
  });
});

describe('the exit code of a cause', () => {
  it.each<[FailureCause | undefined, number | undefined]>([
    ['cannotBind', 98],
    ['configurationRejected', 78],
    ['noBinary', 127],
    ['unknown', undefined],
    [undefined, undefined],
  ])('%s is %s', (cause, code) => {
    expect(permanentExitCode(cause)).toBe(code);
  });
});
