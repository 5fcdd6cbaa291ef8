/** The settings: an environment in, all settings or all problems out. Pure. */
import type { AppProbes } from './core/app-probes.ts';
import type { Policy } from './core/model.ts';
import { nodeMetadata } from './core/node-metadata.ts';
import type { Identity } from './core/template-values.ts';
import type { TreeMap } from './core/tree.ts';
import type { Problem, Result } from './ports.ts';
import { readApplication } from './settings/application-checks.ts';
import { crossCheck } from './settings/cross-checks.ts';
import { type Environment, type Origin, type Reading, readRow } from './settings/read-row.ts';
import type { Facts } from './settings/row.ts';
import { standardLogFormat } from './settings/rows-agent.ts';
import { allRows, type SettingKey, table, type Values } from './settings/table.ts';
import { templateTexts, unknownNames } from './settings/unknown-names.ts';

export interface Settings extends Values {
  /** Where each value came from. */
  readonly origins: ReadonlyMap<SettingKey, Origin>;
  /** The application's probes that are asked on the kubelet's behalf, by the paths they come in by. */
  readonly appProbes: AppProbes;
  /** Values for a template's names, without `BATON_TEMPLATE_`. */
  readonly templateTexts: ReadonlyMap<string, string>;
  /** Envoy's node metadata. */
  readonly metadata: TreeMap;
  /** What was understood and has no effect, one line each, to be logged as a warning. */
  readonly notes: readonly string[];
}

/** Reads them all. Problems are reported together, none with a secret in it. */
export function readSettings(env: Environment, facts: Facts): Result<Settings> {
  const readings = new Map(allRows().map(([key, row]) => [key, readRow(row, env, facts)]));
  const origins = new Map([...readings].map(([key, { origin }]) => [key, origin]));
  const values = adjusted(valuesOf(readings), origins, facts);
  const broken = new Set(
    [...readings].filter(([, { problems }]) => problems.length > 0).map(first),
  );
  const templates = templateTexts(env);
  const application = readApplication(values, broken);
  const problems: readonly Problem[] = [
    ...[...readings.values()].flatMap((reading) => reading.problems),
    ...crossCheck(values, broken),
    ...application.problems,
    ...templates.problems,
    ...unknownNames(env),
  ];
  if (problems.length > 0) return { ok: false, problems };
  const { metadata, warnings } = nodeMetadata(env);
  const notes = [...warnings, ...notesOn(env)];
  return {
    ok: true,
    value: {
      ...values,
      origins,
      appProbes: application.appProbes,
      templateTexts: templates.values,
      metadata,
      notes,
    },
  };
}

/** Of the log, whatever else is wrong with the settings; the default where it is wrong itself. */
export function readLogFormat(env: Environment, isTerminal: boolean): Settings['logFormat'] {
  const given = env[table.logFormat.name];
  return given === 'json' || given === 'pretty' ? given : standardLogFormat(isTerminal);
}

/** The part of the settings that decisions depend on. */
export function policyOf(settings: Settings): Policy {
  const triggers = settings.triggers.map((name) => (name === 'certs' ? 'certificates' : name));
  return {
    handover: settings.handover,
    triggers: new Set(triggers),
    delivery: settings.certificateDelivery,
    jitterMs: settings.jitterMs,
    expiryMarginMs: settings.expiryMarginMs,
    standby: settings.standby === 'on',
    memory: settings.memoryPolicy,
    hangDeadlineMs: settings.hangDeadlineMs,
    certificateWaitMs: settings.certificateWaitMs,
    liveDeadlineMs: settings.liveDeadlineMs,
    initDeadlineMs: settings.initDeadlineMs,
    drainTimeMs: settings.drainTimeMs,
    parentShutdownTimeMs: settings.parentShutdownTimeMs,
    restartTokens: settings.restartTokens,
    restartBackoffMs: settings.restartBackoffMs,
    restartRefillTimeMs: settings.restartRefillTimeMs,
    terminationDelayMs: settings.terminationDelayMs,
    terminationDrainMinMs: settings.terminationDrainMinMs,
    terminationDrainMaxMs: settings.terminationDrainMaxMs,
  };
}

/** Who this Envoy is, for the bootstrap. */
export function identityOf(settings: Settings): Identity {
  const { podName, podNamespace, instanceIp, serviceAccount, metadata } = settings;
  return { podName, podNamespace, instanceIp, serviceAccount, metadata };
}

/** Each row's form made sure that its value is of the row's type. */
function valuesOf(readings: ReadonlyMap<SettingKey, Reading>): Values {
  const entries = [...readings].map(([key, { value }]) => [key, value]);
  return Object.fromEntries(entries) as Values;
}

/** What one source does to another setting. Notes the new origin in `origins`. */
function adjusted(values: Values, origins: Map<SettingKey, Origin>, facts: Facts): Values {
  const envoyArgs = [...values.envoyArgs, ...(facts.moreEnvoyArgs ?? [])];
  const { terminationDrainMaxMs: mostMs, terminationDrainMinMs: leastMs } = values;
  const origin = origins.get('terminationDrainMaxMs');
  if (origin?.kind !== 'alias' || mostMs >= leastMs) return { ...values, envoyArgs };
  origins.set('terminationDrainMinMs', origin);
  return { ...values, envoyArgs, terminationDrainMinMs: mostMs };
}

function notesOn(env: Environment): readonly string[] {
  const name = 'EXIT_ON_ZERO_ACTIVE_CONNECTIONS';
  const isOff = /^(?:false|0|f)$/i.test(env[name] ?? '');
  return isOff ? [`${name} has no effect: the drain always ends at zero connections.`] : [];
}

function first<Key>([key]: readonly [Key, unknown]): Key {
  return key;
}
