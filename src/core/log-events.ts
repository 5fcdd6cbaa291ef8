/**
 * Every message of the agent's own log. What is not here can't be written, and nothing else says
 * what it means: the page on operations has its table from here.
 *
 * Levels: `error`, someone has to act; `warn`, have a look at it; `info`, a change of state worth
 * keeping; `debug`, the rest; `fatal`, the agent ends for it.
 */

import type { LogEvent } from './log-event.ts';
import { agentEvents } from './log-events-agent.ts';
import { certificateEvents } from './log-events-certificate.ts';
import { handoverEvents } from './log-events-handover.ts';
import { launchEvents } from './log-events-launch.ts';

const events = { ...agentEvents, ...certificateEvents, ...handoverEvents, ...launchEvents };

export type LogMessage = keyof typeof events;
/** The levels a message may be written at. */
export type LevelOf<Message extends LogMessage> = (typeof events)[Message]['levels'][number];

export const LOG_EVENTS: Readonly<Record<LogMessage, LogEvent>> = events;
