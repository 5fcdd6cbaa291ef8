/** What Envoy runs with. */
import { MAX_BASE_ID } from '../core/hot-restart-names.ts';
import * as forms from './forms.ts';
import { setting, settingFrom } from './row.ts';

export const envoyRows = {
  envoyBinary: settingFrom('BATON_ENVOY_BINARY', forms.optional(forms.path), {
    standard: (facts) => facts.envoyOnPath,
    standardText: '`envoy` on PATH, else the fetched one',
    meaning: 'path of Envoy',
  }),
  envoyArgs: setting('BATON_ENVOY_ARGS', forms.shellWords, {
    standard: [],
    meaning:
      'more Envoy arguments, quoted as for a shell; reserved, repeated and `--x=y` ones are refused by name',
  }),
  bootstrap: setting('BATON_BOOTSTRAP', forms.text, {
    standard: 'sidecar',
    alias: { name: 'ISTIO_BOOTSTRAP', form: forms.text },
    meaning:
      "a built-in template's name, a template's path, or any complete Envoy bootstrap's path (.yaml, .yml, .json)",
  }),
  bootstrapLayers: setting('BATON_BOOTSTRAP_LAYERS', forms.list('names or paths'), {
    standard: [],
    alias: { name: 'ISTIO_BOOTSTRAP_OVERRIDE', form: forms.list('names or paths') },
    meaning: 'names or paths of layers merged over the bootstrap, in order',
  }),
  runDirectory: settingFrom('BATON_RUN_DIR', forms.path, {
    standard: (facts) => facts.runDirectory,
    standardText: '`/var/run/baton`, else a private folder under the temp folder',
    meaning: 'folder for sockets, bootstraps and certificate snapshots, private to one agent',
  }),
  concurrency: settingFrom('BATON_CONCURRENCY', forms.integer(1, 1024), {
    standard: (facts) => facts.cpuCount,
    standardText: 'CPU limit of the cgroup, else CPUs',
    alias: { name: 'ISTIO_CPU_LIMIT', form: forms.integer(1, 1024) },
    meaning: "Envoy's workers, pinned for all epochs",
  }),
  baseId: setting('BATON_BASE_ID', forms.orWord('auto', forms.integer(0, MAX_BASE_ID)), {
    standard: undefined,
    meaning: "hot restart's base id; auto: a free one, derived from pod and run directory",
  }),
  envoyLogLevel: setting(
    'BATON_ENVOY_LOG_LEVEL',
    forms.oneOf('trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off'),
    { standard: 'warning', meaning: "Envoy's log level" },
  ),
  envoyComponentLogLevel: setting('BATON_ENVOY_COMPONENT_LOG_LEVEL', forms.componentLevels, {
    standard: '',
    meaning: "log levels of Envoy's components, like `upstream:debug,http:trace`",
  }),
  podName: settingFrom('POD_NAME', forms.text, {
    standard: (facts) => facts.hostName,
    standardText: 'the host name',
    meaning: 'who this Envoy is, for the bootstrap',
  }),
  podNamespace: setting('POD_NAMESPACE', forms.text, {
    standard: 'default',
    meaning: 'the namespace it is in, for the bootstrap',
  }),
  instanceIp: setting('INSTANCE_IP', forms.address, {
    standard: '127.0.0.1',
    meaning: 'its address, for the bootstrap',
  }),
  serviceAccount: setting('SERVICE_ACCOUNT', forms.text, {
    standard: 'default',
    meaning: 'the account it runs as, for the bootstrap',
  }),
};
