/** Messages about the agent itself: its start, its end, what it is asked and what it runs on. */
import type { LogEvent } from './log-event.ts';

export const agentEvents = {
  'agent starts': {
    levels: ['info'],
    meaning: 'the first record of a run, with versions and the stop plan',
    fields: ['baton', 'node', 'pid', 'runDirectory', 'onSigterm'],
  },
  setting: {
    levels: ['warn'],
    meaning: 'a setting was understood and has no effect',
    fields: ['note'],
    advice: 'take it out, or read the note for what to say instead',
  },
  'running as PID 1 without an init': {
    levels: ['warn'],
    meaning: 'orphans will not be reaped, and a signal in the first 50 ms is lost',
    advice: 'put tini in front, as the image does',
  },
  'Envoys of a dead run ended': {
    levels: ['warn', 'error'],
    meaning: 'a run that was killed had left some; an error when one of them could not be ended',
    fields: ['found', 'killed', 'left'],
    advice: 'find out what killed the last run; end those in `left` by hand',
  },
  'stop requested': {
    levels: ['info', 'debug'],
    meaning: 'the stop begins; debug: one that asked again at once and changes nothing',
    fields: ['how', 'reason'],
  },
  'stop hastened': {
    levels: ['warn'],
    meaning: 'a second ask: what is left of delay and drain is skipped',
    fields: ['how', 'reason', 'connectionsLeft'],
  },
  'stop cut short': {
    levels: ['warn'],
    meaning: 'a third ask: every Envoy is killed, and the exit code is 137',
    fields: ['how', 'reason', 'connectionsLeft'],
  },
  'drain requested': {
    levels: ['info'],
    meaning: 'by `baton drain`: out of rotation, without an end',
    fields: ['reason'],
    advice: '[`baton undrain`](#drain-and-back) is the way back',
  },
  'undrain requested': {
    levels: ['info'],
    meaning: 'a handover follows to an Envoy that tells nobody to go',
    fields: ['request'],
  },
  'back in rotation': {
    levels: ['info'],
    meaning: 'readiness is on again; with how long it was off',
    fields: ['drainedMs'],
  },
  'agent stops': {
    levels: ['info', 'warn'],
    meaning: 'the last record of a run that was asked to stop; a warning when it was cut short',
    fields: ['code', 'reason'],
  },
  'agent gives up': {
    levels: ['fatal'],
    meaning: 'the last record of a run that failed, with every attempt that led to it',
    fields: ['code', 'reason', 'attempts'],
    advice: 'read `reason`, and the table of exit codes',
  },
  bug: {
    levels: ['fatal'],
    meaning: 'something nobody foresaw; Envoy is stopped by the plan, exit code 70 follows',
    fields: ['error', 'stack'],
    advice: 'report it with its stack',
  },
  'cannot answer': {
    levels: ['error'],
    meaning: 'a request to the agent failed for a reason nobody foresaw; it got a bare 500',
    fields: ['reason'],
    advice: 'report it',
    isLimited: true,
  },
  trouble: {
    levels: ['warn'],
    meaning:
      'something of little weight failed, such as a request to an admin; told once for all tries of it and once more when they come to an end',
    fields: ['reason'],
    advice: 'look at what else the log says of that launch',
    isLimited: true,
  },
  'runtime warning': {
    levels: ['warn'],
    meaning: 'Node has something to say, about its environment for example',
    fields: ['reason'],
    advice: 'see to what it names; report it where that is ours',
    isLimited: true,
  },
  'log level changed': {
    levels: ['warn'],
    meaning: 'by `baton logging`, or back because its time is over',
    fields: ['to', 'forSeconds', 'because'],
  },
  'repeated lines left out': {
    levels: ['warn', 'error'],
    meaning: 'the first of a kind were written, these were counted; of the level they have',
    fields: ['count', 'of', 'from', 'launch', 'epoch', 'component', 'origin', 'since', 'until'],
    advice: 'see to what they say; `BATON_LOG_REPEAT_LIMIT` says how many are written',
  },
} as const satisfies Readonly<Record<string, LogEvent>>;
