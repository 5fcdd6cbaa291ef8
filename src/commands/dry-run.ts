/** `baton restart --dry-run`: what a restart would do, by the running agent's own checks. */
import type { ChangeStatus, DryRunStatus } from '../core/dry-run.ts';
import type { Mode } from '../core/model.ts';
import { lengthText } from '../page/duration-text.ts';
import { type AskingFace, COMMAND_EXIT, jsonOf, reportOdd, reportUnanswered } from './asking.ts';
import { sectionLines } from './status-text.ts';

export interface DryRunOptions {
  readonly mode: 'auto' | Mode;
  readonly timeoutMs: number;
}

/** 0 when a restart would find everything in order, 1 with all problems when not, 69 without an agent. */
export async function dryRun(options: DryRunOptions, face: AskingFace): Promise<number> {
  const path = `/restart?dry-run=true&mode=${options.mode}`;
  const answer = await face.control.ask('POST', path, options.timeoutMs);
  if (answer.kind !== 'answered') return reportUnanswered(answer, face);
  const found = jsonOf<DryRunStatus>(answer, [200, 409]);
  if (found?.passed === undefined) return reportOdd('try a restart', answer, face);
  face.print(dryRunText(found));
  return found.passed ? COMMAND_EXIT.done : COMMAND_EXIT.negative;
}

/** Ends with a line break. */
export function dryRunText(found: DryRunStatus): string {
  const { passed, problems, first } = found;
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['dry run', [passed ? 'passed, nothing was changed' : 'failed, nothing was changed']],
    ['problems', problems],
    ['held', heldLines(found)],
    ['changes', changeLines(found)],
    ['waits first', first === undefined ? [] : [first]],
    ['mode', modeLines(found)],
    ['overlap', overlapLines(found)],
  ];
  return sections.flatMap(([title, lines]) => sectionLines(title, lines)).join('');
}

function heldLines({ held }: DryRunStatus): readonly string[] {
  return held.map((part) => `${part}: a restart now would take the last good state`);
}

/** Where nothing could be read there is nothing to compare. */
function changeLines({ changes, mode }: DryRunStatus): readonly string[] {
  if (changes.length > 0) return changes.map(changeLine);
  return mode === undefined ? [] : ['none: what is on disk is what is LIVE'];
}

function changeLine({ part, live, next }: ChangeStatus): string {
  return `${part}: ${live ?? 'none'} is LIVE, ${next ?? 'none'} is next`;
}

function modeLines({ mode, modeReason }: DryRunStatus): readonly string[] {
  if (mode === undefined) return [];
  return [modeReason === undefined ? mode : `${mode}, because ${modeReason}`];
}

function overlapLines({ mode, overlap }: DryRunStatus): readonly string[] {
  if (overlap === undefined) return [];
  const start = lengthText(overlap.startSeconds * 1_000);
  const took = `${start} to start, as the one that serves took`;
  if (mode === 'cold') return [`none: nothing serves while the new Envoy starts (${took})`];
  const beside = lengthText(overlap.besideSeconds * 1_000);
  const most = mode === 'hot' ? 'about' : 'at most about';
  const sum = lengthText((overlap.startSeconds + overlap.besideSeconds) * 1_000);
  return [`${most} ${sum}: ${took}, then ${beside} until the old one is gone`];
}
