import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { AGENT_SIGNALS, eventOf, IGNORED_SIGNALS } from '../../../src/commands/run/signals.ts';

describe('a signal to the agent', () => {
  test.each([
    ['SIGTERM', { type: 'stopRequested', how: 'graceful', reason: 'SIGTERM' }],
    ['SIGINT', { type: 'stopRequested', how: 'graceful', reason: 'SIGINT' }],
    ['SIGQUIT', { type: 'stopRequested', how: 'now', reason: 'SIGQUIT' }],
    ['SIGHUP', { type: 'restartRequested', trigger: 'signal', mode: 'auto' }],
    ['SIGUSR1', undefined],
  ] as const)('%s is this event', (signal, event) => {
    expect(eventOf(signal)).toEqual(event);
  });

  test('is either listened to, or ignored, or apart with a reason', () => {
    const notToBeCaught = ['SIGKILL', 'SIGSTOP'];
    const suspending = ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'];
    const faults = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGSYS'];
    const harmless = ['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH'];
    const ignoredByNode = ['SIGPIPE', 'SIGXFSZ'];
    const apart = [notToBeCaught, suspending, faults, harmless, ignoredByNode].flat();
    const all = new Set([...AGENT_SIGNALS, ...IGNORED_SIGNALS, ...apart].map(numberOf));

    expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: 31 }, (_, i) => i + 1));
    expect(AGENT_SIGNALS.length + IGNORED_SIGNALS.length + apart.length).toBe(31);
  });
});

function numberOf(name: string): number {
  return constants.signals[name as NodeJS.Signals];
}
