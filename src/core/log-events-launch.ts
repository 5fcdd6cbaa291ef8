/** Messages about one Envoy, from its start to its end. */
import { LAUNCH_FIELDS, type LogEvent } from './log-event.ts';

export const launchEvents = {
  'starting Envoy': { levels: ['debug'], meaning: 'its process is made', fields: LAUNCH_FIELDS },
  'Envoy started': {
    levels: ['info'],
    meaning: 'the process is there',
    fields: [...LAUNCH_FIELDS, 'pid'],
  },
  'Envoy answers': {
    levels: ['debug'],
    meaning: 'its admin does, and it is not LIVE yet',
    fields: [...LAUNCH_FIELDS, 'state'],
  },
  'Envoy live': {
    levels: ['info'],
    meaning: 'it accepts connections',
    fields: [...LAUNCH_FIELDS, 'afterMs'],
  },
  'Envoy does not answer': {
    levels: ['warn'],
    meaning: 'one that was LIVE leaves its admin unanswered',
    fields: [...LAUNCH_FIELDS, 'silentMs'],
    advice: 'see [hangs](#hangs)',
  },
  'Envoy answers again': {
    levels: ['info'],
    meaning: 'it was only slow',
    fields: LAUNCH_FIELDS,
  },
  'Envoy hangs': {
    levels: ['error'],
    meaning: 'it has been silent for `BATON_HANG_DEADLINE`: it is replaced, or was killed',
    fields: [...LAUNCH_FIELDS, 'silentMs'],
    advice: 'see [hangs](#hangs)',
  },
  draining: {
    levels: ['info'],
    meaning: 'its connections are counted, and its clients told to go where `purpose` says so',
    fields: [...LAUNCH_FIELDS, 'purpose'],
  },
  'connections counted': {
    levels: ['debug'],
    meaning: 'of one that drains',
    fields: ['launch', 'connections'],
  },
  'signal sent': {
    levels: ['info'],
    meaning: 'to an Envoy',
    fields: [...LAUNCH_FIELDS, 'signal'],
  },
  'Envoy ended': {
    levels: ['info'],
    meaning: 'as it was to; with how many connections were left at the last count',
    fields: [...LAUNCH_FIELDS, 'outcome', 'uptimeMs', 'connectionsLeft', 'cause'],
  },
  'Envoy ended unexpectedly': {
    levels: ['error'],
    meaning: "nobody had asked for it; with Envoy's last lines",
    fields: [...LAUNCH_FIELDS, 'outcome', 'uptimeMs', 'connectionsLeft', 'cause', 'lastLines'],
    advice: 'read `cause` and `lastLines`; see [crashes and tokens](#crashes-and-tokens)',
  },
} as const satisfies Readonly<Record<string, LogEvent>>;
