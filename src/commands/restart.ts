/** `baton restart`: asks for a handover and waits for its end. */
import type { Mode } from '../core/model.ts';
import type { RestartAnswer } from '../work/routes.ts';
import { type AskingFace, COMMAND_EXIT, reportUnanswered } from './asking.ts';

export interface RestartOptions {
  readonly mode: 'auto' | Mode;
  /** How long to wait for the end; the handover goes on without us. */
  readonly timeoutMs: number;
}

/** 0 when committed, 1 when not or not in time, 69 when no agent answers. */
export async function restart(options: RestartOptions, face: AskingFace): Promise<number> {
  const path = `/restart?mode=${options.mode}`;
  const answer = await face.control.ask('POST', path, options.timeoutMs);
  if (answer.kind !== 'answered') return reportUnanswered(answer, face);
  const text = answer.body.toString();
  if (answer.status !== 200 && answer.status !== 409) {
    face.complain(`Cannot restart Envoy: the agent answered ${answer.status}: ${text.trim()}\n`);
    return COMMAND_EXIT.negative;
  }
  const end = JSON.parse(text) as RestartAnswer;
  face.print(`${restartText(end)}\n`);
  return end.result === 'committed' ? COMMAND_EXIT.done : COMMAND_EXIT.negative;
}

/** The end of a handover in one line, e.g. `committed (mode hot, launch L2)`. */
export function restartText(answer: RestartAnswer): string {
  const { result, reason, launch, mode, modeReason, attempts } = answer;
  const facts = [
    mode && (modeReason === undefined ? `mode ${mode}` : `mode ${mode} because ${modeReason}`),
    launch && `launch ${launch}`,
    attempts > 0 && `${attempts} failed attempts`,
  ].filter(Boolean);
  const head = facts.length === 0 ? result : `${result} (${facts.join(', ')})`;
  return reason === undefined ? head : `${head}: ${reason}`;
}
