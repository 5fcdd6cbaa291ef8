/** The history as text, the newest last: nearest to where the next command is typed. */
import { connectionsText } from '../core/connections.ts';
import type { HistoryStatus, LaneStatus, PastHandoverStatus } from '../core/history-status.ts';
import { ageText, lengthText } from '../page/duration-text.ts';

/** Ends with a line break. Each entry is one line, with what belongs to it indented below. */
export function historyText({ launches, handovers }: HistoryStatus): string {
  const lines = [
    'LAUNCHES',
    ...orNone(launches.flatMap(laneLines)),
    '',
    'HANDOVERS',
    ...orNone(handovers.flatMap(handoverLines)),
  ];
  return lines.map((line) => `${line.replaceAll(/\p{Cc}+/gu, ' ')}\n`).join('');
}

function orNone(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? ['none yet'] : lines;
}

function laneLines(lane: LaneStatus): readonly string[] {
  const { id, epoch, lineage, mode, pid, startedAt, stages, connections, ended } = lane;
  const head = [
    `${startedAt}  ${id}`,
    `epoch ${epoch} of ${lineage}`,
    mode,
    pid === undefined ? undefined : `pid ${pid}`,
    connections === undefined
      ? undefined
      : `${connectionsText(connections)}${ended ? ' left' : ''}`,
  ];
  const steps = stages.map(({ stage, seconds }) => `${stage} ${shortLength(seconds)}`);
  const end =
    ended && `${ended.isUnexpected ? 'unexpectedly ' : ''}${ended.outcome}, ${ago(ended)}`;
  return [joined(head), ...below([steps.join(', '), end])];
}

function handoverLines(handover: PastHandoverStatus): readonly string[] {
  const { id, triggers, mode, askedMode, launch, result, startedAt, durationSeconds } = handover;
  const { connectionsLeft, steps, omittedSteps, failures, crash, modeReason, reason } = handover;
  const head = [
    `${startedAt}  ${id}`,
    result ?? 'under way',
    mode ?? askedMode,
    `because of ${triggers.join(', ')}`,
    launch && `to ${launch}`,
    durationSeconds === undefined ? undefined : `took ${shortLength(durationSeconds)}`,
    connectionsLeft === undefined ? undefined : `${connectionsText(connectionsLeft)} left`,
    ago(handover),
  ];
  const omitted = omittedSteps > 0 ? `, and ${omittedSteps} more in the middle` : '';
  return [
    joined(head),
    ...below([
      `${steps.map(({ step, seconds }) => `${step} ${shortLength(seconds)}`).join(', ')}${omitted}`,
      crash && `crash: ${crash}`,
      modeReason && `mode: ${modeReason}`,
      ...failures.map(
        (failure) => `failed after ${shortLength(failure.afterSeconds)}: ${failure.reason}`,
      ),
      reason && `reason: ${reason}`,
    ]),
  ];
}

function below(texts: readonly (string | undefined)[]): readonly string[] {
  return texts.flatMap((text) => (text === undefined || text === '' ? [] : [`    ${text}`]));
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(', ');
}

function ago({ agoSeconds }: { readonly agoSeconds: number }): string {
  return `${ageText(agoSeconds * 1_000)} ago`;
}

function shortLength(seconds: number): string {
  return lengthText(seconds * 1_000);
}
