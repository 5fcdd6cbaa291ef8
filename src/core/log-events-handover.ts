/** Messages about what is to run and the way to it: what is on disk, handovers, room for them. */
import type { LogEvent } from './log-event.ts';

export const handoverEvents = {
  'desired state read': {
    levels: ['info'],
    meaning: 'what is on disk has changed and is whole; with the digests of its parts',
    fields: ['certificates', 'bootstrap', 'binary'],
  },
  'cannot start yet': {
    levels: ['warn'],
    meaning: 'what is on disk is not whole, and nothing has been yet',
    fields: ['problems'],
    advice: 'mend what `problems` name',
  },
  'held at its last good state': {
    levels: ['error', 'warn'],
    meaning:
      'a part of what is on disk is not whole; what serves is not touched. A warning where its other half may still be on its way',
    fields: ['part', 'verdict', 'problems'],
    advice: 'see [held parts](#held-parts)',
  },
  'whole again': { levels: ['info'], meaning: 'a held part is', fields: ['part'] },
  'handover requested': {
    levels: ['info'],
    meaning: 'by SIGHUP or `baton restart`',
    fields: ['trigger', 'mode'],
  },
  checking: {
    levels: ['debug'],
    meaning: 'a handover begins with the checks',
    fields: ['handover', 'depth'],
  },
  'checks passed': {
    levels: ['debug'],
    meaning: 'a launch may be started',
    fields: ['handover', 'mode'],
  },
  'checks failed': {
    levels: ['warn', 'debug'],
    meaning:
      'they will be tried again; debug: the handover ends with it, and its record tells the reason',
    fields: ['handover', 'problems'],
    advice: 'mend what `problems` name',
  },
  'handover not hot': {
    levels: ['warn'],
    meaning: 'nobody asked for another mode',
    fields: ['handover', 'mode', 'reason'],
    advice: 'see [side by side](#side-by-side-and-tcp_migrate_req)',
  },
  'handover waits': {
    levels: ['warn'],
    meaning: 'there is no room for one more Envoy, step `headroom`',
    fields: ['handover', 'reason', 'neededBytes', 'freeBytes'],
    advice: 'see [memory](#memory)',
  },
  'memory is short': {
    levels: ['warn'],
    meaning: 'one more Envoy does not fit into the memory limit, and is started all the same',
    fields: ['handover', 'mode', 'neededBytes', 'freeBytes'],
    advice: 'see [memory](#memory)',
  },
  tcp_migrate_req: {
    levels: ['info', 'warn'],
    meaning: 'at the first handover side by side; `state` is `on`, `set`, or, as a warning, `off`',
    fields: ['state', 'reason', 'consequence'],
    advice: 'see [side by side](#side-by-side-and-tcp_migrate_req)',
  },
  'next start scheduled': {
    levels: ['warn'],
    meaning: 'after a failure; with the tokens left, of the agent or of this handover',
    fields: ['handover', 'delayMs', 'attempt', 'tokensLeft', 'triesLeft'],
    advice: 'read the record before it',
  },
  'repairing lineage': {
    levels: ['debug'],
    meaning: 'after a launch that failed beside a living one',
    fields: ['lineage'],
  },
  'lineage judged': {
    levels: ['info', 'warn', 'error'],
    meaning:
      'what the repair came to; a warning when the failed launch `hasTakenOver` (it had been LIVE for a moment, so that counts as a crash), an error when no launch can join it any more: the next handover goes side by side',
    fields: ['lineage', 'isSound', 'reason', 'hasTakenOver'],
    advice: 'as an error: see [/dev/shm](#devshm)',
  },
  'handover ended': {
    levels: ['info', 'warn', 'error'],
    meaning:
      'with `result` and `reason`: info when committed, or when a stop came; a warning when something else overtook it; an error when what was asked for does not serve',
    fields: [
      ...['handover', 'triggers', 'mode', 'modeReason', 'result', 'reason', 'launch'],
      ...['attemptCount', 'tookMs'],
    ],
    advice: 'see [handovers](#handovers)',
  },
  'deadline reached': {
    levels: ['debug', 'warn'],
    meaning:
      'a timer fired; a warning when a launch is not LIVE in time: `silence`, it left its admin unanswered (`BATON_LIVE_DEADLINE`); `initialize`, it waited for its control plane (`BATON_INIT_DEADLINE`)',
    fields: ['timer'],
    advice: 'see `INITIALIZING` under [phases](#phases)',
  },
  'cannot watch': {
    levels: ['warn'],
    meaning: 'changes of this folder are found by the next re-read only',
    fields: ['reason'],
    advice: "the reason names the limit of inotify's to raise",
    isLimited: true,
  },
  'application ready': { levels: ['info'], meaning: 'the application has become so' },
  'application not ready': {
    levels: ['warn'],
    meaning: 'its answer to `BATON_APP_READY_URL` says so, and the agent is not ready for it',
    fields: ['reason'],
    advice: 'see to the application',
    isLimited: true,
  },
} as const satisfies Readonly<Record<string, LogEvent>>;
