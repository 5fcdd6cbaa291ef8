/** The status as a page of text: a word in front, what belongs to it beside and below. */

import type { CertificatesStatus, LeafStatus } from '../core/certificate-status.ts';
import { connectionsText } from '../core/connections.ts';
import type { DrainedStatus } from '../core/drained-status.ts';
import { type GivenUpStatus, givenUpText } from '../core/given-up.ts';
import type {
  ApplicationStatus,
  DigestStatus,
  HandoverEndStatus,
  HandoverStatus,
  LaunchStatus,
  TokenStatus,
} from '../core/status.ts';
import { type Status, untoldHolds } from '../core/status.ts';
import type { WaitStatus } from '../core/waits.ts';

/** What stands in front of the lines that each of these makes; without lines it is left out. */
const SECTIONS = {
  ready: (status) => [status.ready ? 'yes' : `no, ${status.reason}`],
  phase: ({ phase }) => [phase],
  application: ({ application }) => (application ? [applicationLine(application)] : []),
  launches: ({ launches }) => launchLines(launches),
  handover: ({ handover }) => (handover ? [handoverLine(handover)] : []),
  'last handover': (status) => (status.lastHandover ? [endLine(status.lastHandover, status)] : []),
  drained: ({ drained }) => (drained ? [drainedLine(drained)] : []),
  standby: ({ standby }) => (standby ? [joined([standby.state, standby.reason])] : []),
  tokens: ({ tokens }) => [tokenLine(tokens)],
  'waits for': ({ waits }) => waits.map(waitLine),
  certificates: (status) => (status.certificates ? certificateLines(status.certificates) : []),
  held: (status) =>
    untoldHolds(status).map(({ part, problems }) => `${part}: ${problems.join(' ')}`),
  desired: ({ desired }) => digestLines(desired),
  committed: ({ committed }) => digestLines(committed),
  'given up': ({ givenUp }) => givenUp.map(givenUpLine),
  'on SIGTERM': ({ onSigterm }) => onSigterm,
} satisfies Readonly<Record<string, (status: Status) => readonly string[]>>;

/** In their order. */
export const STATUS_TITLES: readonly string[] = Object.keys(SECTIONS);

/** Ends with a line break; the first line says whether the agent is ready. */
export function statusText(status: Status): string {
  return Object.entries(SECTIONS)
    .flatMap(([title, lines]) => sectionLines(title, lines(status)))
    .join('');
}

const TITLE_WIDTH = 15;

/** The title in front of the first line; nothing of a line can move a terminal's cursor. */
export function sectionLines(title: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => {
    const shown = line.replaceAll(/\p{Cc}+/gu, ' ');
    return `${(at === 0 ? title : '').padEnd(TITLE_WIDTH)}${shown}\n`;
  });
}

function drainedLine({ reason, seconds, connections, isReturning }: DrainedStatus): string {
  const left =
    connections === undefined
      ? 'connections not counted yet'
      : `${connectionsText(connections)} left`;
  const next = isReturning
    ? 'on its way back: a new Envoy is being started'
    : '`baton undrain` brings it back';
  return `for ${age(seconds)}, ${reason}, ${left}; ${next}`;
}

function applicationLine({ ready, reason }: ApplicationStatus): string {
  return ready ? 'ready' : `not ready, ${reason}`;
}

function launchLines(launches: readonly LaunchStatus[]): readonly string[] {
  if (launches.length === 0) return ['none'];
  const rows = launches.map((launch) => [
    launch.id,
    `epoch ${launch.epoch}`,
    launch.lineage,
    stageText(launch),
    launch.pid === undefined ? 'no pid yet' : `pid ${launch.pid}`,
    launch.liveSeconds === undefined
      ? `started ${age(launch.ageSeconds)} ago`
      : `live for ${age(launch.liveSeconds)}`,
    launch.connections === undefined ? '' : connectionsText(launch.connections),
    launch.unproved === undefined ? '' : `certificates not proved: ${launch.unproved}`,
  ]);
  return aligned(rows);
}

function stageText({ stage, envoyState, isDoomed, isHung, silentSeconds }: LaunchStatus): string {
  if (isDoomed) return `${stage}, lost its parent`;
  if (isHung) return `${stage}, hangs`;
  if (silentSeconds !== undefined) return `${stage}, silent for ${age(silentSeconds)}`;
  return envoyState === undefined ? stage : `${stage}, ${envoyState}`;
}

function handoverLine(handover: HandoverStatus): string {
  const { id, triggers, mode, askedMode, step, launch, attempts, ageSeconds, lastFailure } =
    handover;
  return joined([
    `${id} ${step}`,
    modeText(mode ?? askedMode, handover.modeReason),
    `because of ${triggers.join(', ')}`,
    launch && `to ${launch}`,
    attempts > 0 && `${attempts} failed so far`,
    `for ${age(ageSeconds)}`,
    lastFailure && `last: ${lastFailure}`,
  ]);
}

/** The reason of one that gave something up stands there. */
function endLine(end: HandoverEndStatus, { givenUp }: Status): string {
  const { id, result, mode, triggers, launch, attempts, durationSeconds, agoSeconds } = end;
  const isGivenUp = givenUp.some(({ handover }) => handover === id);
  return joined([
    id === undefined ? result : `${id} ${result}`,
    mode && modeText(mode, end.modeReason),
    `because of ${triggers.join(', ')}`,
    launch && `to ${launch}`,
    attempts > 0 && `${attempts} failed`,
    `took ${age(durationSeconds)}`,
    `${age(agoSeconds)} ago`,
    isGivenUp ? 'why: see given up' : end.reason,
  ]);
}

function modeText(mode: string, reason: string | undefined): string {
  return reason === undefined ? `mode ${mode}` : `mode ${mode} (${reason})`;
}

function tokenLine({ total, left, nextDelaySeconds }: TokenStatus): string {
  const next =
    nextDelaySeconds === undefined
      ? 'the next crash ends the agent'
      : `the next crash is answered after ${age(nextDelaySeconds)}`;
  return `${left} of ${total} left, ${next}`;
}

function waitLine({ what, leftSeconds, expectedSeconds, otherwise }: WaitStatus): string {
  if (expectedSeconds === undefined) {
    return `${what} (${joined([age(leftSeconds), otherwise && `else ${otherwise}`])})`;
  }
  return `${what} (expected in ${age(expectedSeconds)}, else ${otherwise} in ${age(leftSeconds)})`;
}

function givenUpLine(givenUp: GivenUpStatus): string {
  const { agoSeconds, handover, reason, againSeconds } = givenUp;
  const again = againSeconds === undefined ? '' : `in ${age(againSeconds)}, or `;
  return `${givenUpText(givenUp)}, ${age(agoSeconds)} ago by ${handover}: ${reason} (tried again ${again}when something changes or someone asks)`;
}

function certificateLines(certificates: CertificatesStatus): readonly string[] {
  const { verdict, sinceSeconds, problems, advice, delivery } = certificates;
  const words = verdict.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const told = joined([`${words} for ${age(sinceSeconds)}`, `delivered by ${delivery}`]);
  const rows = [
    ...certificates.leaves.map((leaf) => leafRow('in use', leaf)),
    ...certificates.toCome.map((leaf) => leafRow('to come', leaf)),
  ];
  return [told, ...problems, ...(advice === undefined ? [] : [advice]), ...aligned(rows)];
}

function leafRow(use: string, leaf: LeafStatus): readonly string[] {
  const { path, serialNumber, notAfter, leftSeconds, stage } = leaf;
  const left = leftSeconds < 0 ? `ended ${age(-leftSeconds)} ago` : `ends in ${age(leftSeconds)}`;
  const end = stage === 'fresh' ? notAfter : `${notAfter}, ${STAGES[stage]}`;
  return [use, path, `serial ${serialNumber}`, left, end];
}

const STAGES = {
  aging: 'should have been renewed',
  ending: 'ends soon',
  ended: 'has ended',
} as const;

function digestLines(digests: DigestStatus | undefined): readonly string[] {
  if (digests === undefined) return [];
  const { certificates, bootstrap, binary } = digests;
  const parts = [
    certificates && `certificates ${certificates}`,
    `bootstrap ${bootstrap}`,
    `binary ${binary}`,
  ];
  return [joined(parts)];
}

function joined(parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => typeof part === 'string' && part !== '').join(', ');
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths =
    rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** The two largest units: 0.4 s, 12.5 s, 3 min 5 s, 2 d 4 h. */
export function age(seconds: number): string {
  const at = UNITS.findIndex(([, length]) => seconds >= length);
  const [unit, length] = UNITS[at] ?? [];
  if (unit === undefined || length === undefined) return `${seconds} s`;
  const [restUnit, restLength] = UNITS[at + 1] ?? ['s', 1];
  const rest = Math.floor((seconds % length) / restLength);
  return `${Math.floor(seconds / length)} ${unit}${rest > 0 ? ` ${rest} ${restUnit}` : ''}`;
}
