/** When and how a launch is replaced. */
import * as forms from './forms.ts';
import { setting } from './row.ts';

export const handoverRows = {
  handover: setting('BATON_HANDOVER', forms.oneOf('auto', 'hot', 'side-by-side', 'cold'), {
    standard: 'auto',
    meaning: 'how the serving launch is replaced: auto, hot, side-by-side or cold',
  }),
  jitterMs: setting('BATON_JITTER', forms.duration, {
    standard: 0,
    meaning: 'the longest random delay before a handover that nobody asked for by hand',
  }),
  triggers: setting('BATON_TRIGGERS', forms.someOf('certs', 'bootstrap', 'binary'), {
    standard: ['certs', 'bootstrap', 'binary'],
    meaning: 'which changes on disk start a handover: any of certs, bootstrap, binary',
  }),
  liveDeadlineMs: setting('BATON_LIVE_DEADLINE', forms.durationFrom(1_000), {
    standard: 60_000,
    meaning: 'how long a new launch may be silent before it is given up',
  }),
  initDeadlineMs: setting('BATON_INIT_DEADLINE', forms.durationFrom(100), {
    standard: 300_000,
    meaning: 'how long a new launch may answer INITIALIZING: it waits for its control plane',
  }),
  hangDeadlineMs: setting('BATON_HANG_DEADLINE', forms.zeroOrDurationFrom(1_000), {
    standard: 30_000,
    meaning:
      'how long an Envoy that was LIVE may leave its admin unanswered before it is replaced; 0s: for ever',
  }),
  memoryPolicy: setting('BATON_MEMORY_POLICY', forms.oneOf('warn', 'wait', 'side-step'), {
    standard: 'warn',
    meaning:
      'when the memory limit is too small for two Envoys: warn and go on, wait until it is not, or side-step (end the old one first: a gap in service)',
  }),
  standby: setting('BATON_STANDBY', forms.oneOf('on', 'off'), {
    standard: 'off',
    meaning:
      'on: a second Envoy serves the same ports all the time, so that the end of either refuses no connection; costs its memory',
  }),
  tcpMigration: setting('BATON_TCP_MIGRATION', forms.oneOf('auto', 'leave'), {
    standard: 'auto',
    meaning:
      'whether net.ipv4.tcp_migrate_req is switched on, where the system allows it, before the first handover side by side; leave: only looked at',
  }),
  drainTimeMs: setting('BATON_DRAIN_TIME', forms.wholeSeconds, {
    standard: 45_000,
    meaning: "the old launch's drain at a handover",
  }),
  parentShutdownTimeMs: setting('BATON_PARENT_SHUTDOWN_TIME', forms.wholeSeconds, {
    standard: 60_000,
    meaning: "the old launch's end after a handover; must be greater than BATON_DRAIN_TIME",
  }),
  drainStrategy: setting('BATON_DRAIN_STRATEGY', forms.oneOf('gradual', 'immediate'), {
    standard: 'gradual',
    meaning:
      'whether clients are told to leave little by little (gradual) or all at once (immediate)',
  }),
  restartTokens: setting('BATON_RESTART_TOKENS', forms.integer(0, 100), {
    standard: 10,
    meaning: 'how many crashes are followed by a restart',
  }),
  restartBackoffMs: setting('BATON_RESTART_BACKOFF', forms.durationFrom(1), {
    standard: 200,
    meaning: 'crash n waits this long x 2^(n-1)',
  }),
  restartRefillTimeMs: setting('BATON_RESTART_REFILL_TIME', forms.duration, {
    standard: 600_000,
    meaning: 'LIVE this long refills the tokens; 0s: only a changed configuration does',
  }),
};
