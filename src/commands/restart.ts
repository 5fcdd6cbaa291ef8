/** `baton restart`: asks for a handover and waits for its end. */
import type { Mode } from '../core/model.ts';
import type { RestartNote } from '../core/restart-progress.ts';
import type { RestartAnswer } from '../work/restart-route.ts';
import {
  type AskingFace,
  COMMAND_EXIT,
  reportGoingOn,
  reportOdd,
  reportUnanswered,
} from './asking.ts';
import { dryRun } from './dry-run.ts';

export interface RestartOptions {
  readonly mode: 'auto' | Mode;
  /** Only what would be done. */
  readonly isDryRun: boolean;
  /** How long to wait for the end; the handover goes on without us. */
  readonly timeoutMs: number;
}

/**
 * What is waited for goes to standard error as it comes. 0 when committed, 1 when not or not in
 * time, 69 when no agent answers.
 */
export async function restart(options: RestartOptions, face: AskingFace): Promise<number> {
  if (options.isDryRun) return dryRun(options, face);
  const { timeoutMs } = options;
  let end: RestartAnswer | undefined;
  let isTaken = false;
  const path = `/restart?progress=true&mode=${options.mode}`;
  const onLine = (line: string) => {
    isTaken = true;
    const told = parsed(line);
    if (told !== undefined && 'note' in told) face.complain(`${noteText(told)}\n`);
    else end = told ?? end;
  };
  const answer = await face.control.follow(path, { timeoutMs, onLine });
  if (answer.kind === 'timedOut' && isTaken) return reportGoingOn('restart', timeoutMs, face);
  if (answer.kind !== 'answered') return reportUnanswered(answer, face);
  if (end?.result === undefined) return reportOdd('restart Envoy', answer, face);
  face.print(`${restartText(end)}\n`);
  return end.result === 'committed' ? COMMAND_EXIT.done : COMMAND_EXIT.negative;
}

/** A line of an answer that is none of ours is left to the status of the answer. */
function parsed(line: string): RestartAnswer | RestartNote | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === 'object' && value !== null;
    return isObject ? (value as RestartAnswer | RestartNote) : undefined;
  } catch {
    return undefined;
  }
}

function noteText({ note, leftSeconds }: RestartNote): string {
  return leftSeconds === undefined ? note : `${note} (at most ${leftSeconds} s more)`;
}

/** The end of a handover in one line, e.g. `committed (mode hot, launch L2)`. */
export function restartText(answer: RestartAnswer): string {
  const { result, handover, reason, launch, mode, modeReason, attempts } = answer;
  const facts = [
    handover && `handover ${handover}`,
    mode && (modeReason === undefined ? `mode ${mode}` : `mode ${mode} because ${modeReason}`),
    launch && `launch ${launch}`,
    attempts > 0 && `${attempts} failed attempts`,
  ].filter(Boolean);
  const head = facts.length === 0 ? result : `${result} (${facts.join(', ')})`;
  return reason === undefined ? head : `${head}: ${reason}`;
}
