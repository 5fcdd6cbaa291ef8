/** What each signal asks of the agent. */
import type { Event } from '../../core/events.ts';

/** Those the agent listens to. */
export const AGENT_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1'] as const;
export type AgentSignal = (typeof AGENT_SIGNALS)[number];

/**
 * Those that mean nothing here and would end the process: a stray one, meant for another program or
 * sent to all of them, must not take Envoy down. Left alone: what a fault raises, what suspends, and
 * the numbers past 31, which Node cannot catch.
 */
export const IGNORED_SIGNALS = [
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
  'SIGXCPU',
] as const;

/** Undefined for SIGUSR1, which is passed on and changes nothing. */
export function eventOf(signal: AgentSignal): Event | undefined {
  switch (signal) {
    case 'SIGTERM':
    case 'SIGINT':
      return { type: 'stopRequested', how: 'graceful', reason: signal };
    case 'SIGQUIT':
      return { type: 'stopRequested', how: 'now', reason: signal };
    case 'SIGHUP':
      return { type: 'restartRequested', trigger: 'signal', mode: 'auto' };
    case 'SIGUSR1':
      return undefined;
  }
}
