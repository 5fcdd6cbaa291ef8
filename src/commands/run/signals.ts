/** What each signal asks of the agent. */
import type { Event } from '../../core/events.ts';

/** Those the agent listens to; all others have their usual effect. */
export const AGENT_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1'] as const;
export type AgentSignal = (typeof AGENT_SIGNALS)[number];

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
