/** How the agent stops, answers and logs. */
import { APP_PROBES_SETTING } from '../core/app-probes.ts';
import * as forms from './forms.ts';
import { setting, settingFrom } from './row.ts';

export const agentRows = {
  terminationDelayMs: setting('BATON_TERMINATION_DELAY', forms.duration, {
    standard: 0,
    meaning: 'after SIGTERM, before anything changes (endpoint removal)',
  }),
  terminationDrainMinMs: setting('BATON_TERMINATION_DRAIN_MIN', forms.duration, {
    standard: 5_000,
    alias: { name: 'MINIMUM_DRAIN_DURATION', form: forms.durationOrSeconds },
    meaning: 'the drain never ends before this; an alias that sets the maximum below it lowers it',
  }),
  terminationDrainMaxMs: setting('BATON_TERMINATION_DRAIN_MAX', forms.duration, {
    standard: 25_000,
    alias: { name: 'TERMINATION_DRAIN_DURATION_SECONDS', form: forms.bareSeconds },
    meaning:
      'the drain ends at zero connections and never after this; EXIT_ON_ZERO_ACTIVE_CONNECTIONS is understood: it is always on here',
  }),
  terminationGracePeriodMs: setting('BATON_TERMINATION_GRACE_PERIOD', forms.duration, {
    standard: 30_000,
    meaning: "the orchestrator's; delay + maximum drain + 5s must fit in it",
  }),
  drainIgnoreListeners: setting('BATON_DRAIN_IGNORE_LISTENERS', forms.list('listener names'), {
    standard: [],
    meaning: 'listeners that do not count for zero connections',
  }),
  statusPort: setting('BATON_STATUS_PORT', forms.port, {
    standard: 15_020,
    meaning: 'port of probes, metrics and status; 0: off',
  }),
  statusAddress: setting('BATON_STATUS_ADDRESS', forms.address, {
    standard: '::',
    meaning: 'address of the status port; `::` takes IPv4 along',
  }),
  metricsAccess: setting('BATON_METRICS_ACCESS', forms.oneOf('all', 'local'), {
    standard: 'all',
    meaning: 'who may read metrics on the status port: all, or local (loopback addresses alone)',
  }),
  adminPort: settingFrom('BATON_ADMIN_PORT', forms.optional(forms.port), {
    standard: () => undefined,
    standardText: "the bootstrap's admin port, else 15000",
    meaning: "the stable loopback port of Envoy's admin; 0: off",
  }),
  appMetricsUrl: setting('BATON_APP_METRICS_URL', forms.url, {
    standard: undefined,
    isSecret: true,
    meaning: "the application's own metrics, merged with Envoy's",
  }),
  appReadyUrl: setting('BATON_APP_READY_URL', forms.url, {
    standard: undefined,
    isSecret: true,
    meaning: "the application's own readiness, required for that of the pod",
  }),
  appProbesText: setting(APP_PROBES_SETTING, forms.json, {
    standard: '',
    isSecret: true,
    meaning:
      "the application's probes that the kubelet asks under `/app-health/`, as Istio's injector writes them",
  }),
  terminationMessagePath: setting('BATON_TERMINATION_MESSAGE_PATH', forms.path, {
    standard: '/dev/termination-log',
    meaning: 'where the reason of a failure is written for the orchestrator, if that file is there',
  }),
  logLevel: setting('BATON_LOG_LEVEL', forms.oneOf('debug', 'info', 'warn', 'error'), {
    standard: 'info',
    meaning: "the agent's log level: debug, info, warn or error",
  }),
  logFormat: settingFrom('BATON_LOG_FORMAT', forms.oneOf('json', 'pretty'), {
    standard: ({ isTerminal }) => standardLogFormat(isTerminal),
    standardText: 'json, pretty on a terminal',
    meaning: "the agent's log format: json or pretty",
  }),
  logRepeatLimit: setting('BATON_LOG_REPEAT_LIMIT', forms.integer(0, 1_000_000), {
    standard: 10,
    meaning:
      'lines of one kind that are logged in a minute, warnings and errors of Envoy alone; what follows is counted; 0: all',
  }),
};

export function standardLogFormat(isTerminal: boolean): 'json' | 'pretty' {
  return isTerminal ? 'pretty' : 'json';
}
