/** What must hold between settings that are each well-formed. */
import { checkEnvoyArgs } from '../core/envoy-args-check.ts';
import { END_ALLOWANCE_MS } from '../core/stop-plan.ts';
import type { Problem } from '../ports.ts';
import { durationText } from './duration.ts';
import type { SettingKey, Values } from './table.ts';
import { table } from './table.ts';

interface CrossCheck {
  readonly between: readonly SettingKey[];
  /** Absent when all is well. */
  readonly reason: (values: Values) => string | undefined;
}

const CHECKS: readonly CrossCheck[] = [
  {
    between: ['parentShutdownTimeMs', 'drainTimeMs'],
    reason: (values) =>
      values.parentShutdownTimeMs > values.drainTimeMs
        ? undefined
        : expected(values, 'parentShutdownTimeMs', 'greater than', 'drainTimeMs'),
  },
  {
    between: ['certificateMaxWaitMs', 'certificateQuietTimeMs'],
    reason: (values) =>
      values.certificateMaxWaitMs >= values.certificateQuietTimeMs
        ? undefined
        : expected(values, 'certificateMaxWaitMs', 'no less than', 'certificateQuietTimeMs'),
  },
  {
    between: ['terminationDrainMaxMs', 'terminationDrainMinMs'],
    reason: (values) =>
      values.terminationDrainMaxMs >= values.terminationDrainMinMs
        ? undefined
        : expected(values, 'terminationDrainMaxMs', 'no less than', 'terminationDrainMinMs'),
  },
  {
    between: ['terminationGracePeriodMs', 'terminationDelayMs', 'terminationDrainMaxMs'],
    reason: gracePeriodReason,
  },
  {
    between: ['adminPort', 'statusPort'],
    reason: ({ adminPort, statusPort }) =>
      statusPort !== 0 && adminPort === statusPort
        ? `Expected BATON_ADMIN_PORT to differ from BATON_STATUS_PORT, got ${statusPort} for both.`
        : undefined,
  },
];

/** All problems between the settings, leaving out checks of any that has a problem of its own. */
export function crossCheck(values: Values, broken: ReadonlySet<SettingKey>): readonly Problem[] {
  const between = CHECKS.filter((check) => !check.between.some((key) => broken.has(key)));
  const problems = between.flatMap(({ between: [key], reason }) => {
    const message = reason(values);
    return message === undefined || key === undefined ? [] : [{ about: table[key].name, message }];
  });
  const refused = checkEnvoyArgs(values.envoyArgs);
  return [...problems, ...refused.map((message) => ({ about: 'BATON_ENVOY_ARGS', message }))];
}

type DurationKey = Extract<SettingKey, `${string}Ms`>;

function expected(values: Values, key: DurationKey, relation: string, other: DurationKey): string {
  const limit = `${table[other].name} (${durationText(values[other])})`;
  return `Expected ${table[key].name} to be ${relation} ${limit}, got ${durationText(values[key])}.`;
}

function gracePeriodReason(values: Values): string | undefined {
  const { terminationDelayMs, terminationDrainMaxMs, terminationGracePeriodMs } = values;
  const sumMs = terminationDelayMs + terminationDrainMaxMs + END_ALLOWANCE_MS;
  if (sumMs <= terminationGracePeriodMs) return undefined;
  const sum = [
    `BATON_TERMINATION_DELAY ${durationText(terminationDelayMs)}`,
    `BATON_TERMINATION_DRAIN_MAX ${durationText(terminationDrainMaxMs)}`,
    `${durationText(END_ALLOWANCE_MS)} to end Envoy`,
  ].join(' + ');
  const got = durationText(terminationGracePeriodMs);
  return `Expected BATON_TERMINATION_GRACE_PERIOD to be at least ${sum} = ${durationText(sumMs)}, got ${got}.`;
}
