/** `baton drain` and `baton undrain`: out of rotation without leaving, and back. */
import type { Status } from '../core/status.ts';
import type { UndrainAnswer } from '../work/routes.ts';
import {
  type AskingFace,
  COMMAND_EXIT,
  type CommandExit,
  jsonOf,
  PROMPT_ANSWER_MS,
  pause,
  readJson,
  reportGoingOn,
  reportOdd,
  reportUnanswered,
} from './asking.ts';
import { restartText } from './restart.ts';

export interface DrainOptions {
  /** How long to wait for the last connection; absent: not at all. */
  readonly waitMs: number | undefined;
}

const LOOK_EVERY_MS = 500;

/**
 * 0 once the drain has begun, or with `waitMs` once no connection is left; 1 when some are left by
 * then, or the drain was taken back; 69 when no agent answers.
 */
export async function drain({ waitMs }: DrainOptions, face: AskingFace): Promise<number> {
  const answer = await face.control.ask('POST', '/drain', PROMPT_ANSWER_MS);
  if (answer.kind !== 'answered') return reportUnanswered(answer, face);
  if (answer.status !== 200) return reportOdd('drain', answer, face);
  if (waitMs !== undefined) return waitForLast(waitMs, face);
  face.print('draining: readiness is off, clients are told to go; baton status counts them\n');
  return COMMAND_EXIT.done;
}

async function waitForLast(waitMs: number, face: AskingFace): Promise<CommandExit> {
  const untilMs = face.clock.moment().atMs + waitMs;
  for (;;) {
    const look = await lookAtDrain(face);
    if (typeof look === 'number') return look;
    if (face.clock.moment().atMs + LOOK_EVERY_MS > untilMs) {
      const left = look.connections ?? 'not counted yet';
      face.complain(`Not empty in time, connections left: ${left}. The drain goes on.\n`);
      return COMMAND_EXIT.negative;
    }
    await pause(face.clock, LOOK_EVERY_MS);
  }
}

/** The connections left, or what the command is to end with. */
async function lookAtDrain(
  face: AskingFace,
): Promise<CommandExit | { readonly connections: number | undefined }> {
  const read = await readJson<Status>('/status', 'read the status', face);
  if ('exit' in read) return read.exit;
  const { drained, launches, phase } = read.value;
  if (drained === undefined && phase === 'running') {
    face.complain('The drain was taken back.\n');
    return COMMAND_EXIT.negative;
  }
  const connections = launches.length === 0 ? 0 : drained?.connections;
  if (connections !== 0) return { connections };
  face.print('drained: no connection is left\n');
  return COMMAND_EXIT.done;
}

/** 0 once traffic may come again, 1 when it may not, 69 when no agent answers. */
export async function undrain(
  { timeoutMs }: { readonly timeoutMs: number },
  face: AskingFace,
): Promise<number> {
  const answer = await face.control.ask('POST', '/undrain', timeoutMs);
  if (answer.kind === 'timedOut' && (await isReturning(face))) {
    return reportGoingOn('way back', timeoutMs, face);
  }
  if (answer.kind !== 'answered') return reportUnanswered(answer, face);
  const end = jsonOf<UndrainAnswer>(answer, [200, 409]);
  if (end === undefined) return reportOdd('undrain', answer, face);
  if (end.result === 'notNeeded') {
    face.print('in rotation: nothing had to be replaced\n');
    return COMMAND_EXIT.done;
  }
  face.print(`${end.isDrained ? 'not in rotation' : 'in rotation'}: ${restartText(end)}\n`);
  return end.isDrained ? COMMAND_EXIT.negative : COMMAND_EXIT.done;
}

/** Whether the agent is about to be back: one that answers nothing may not even have been told. */
async function isReturning({ control }: AskingFace): Promise<boolean> {
  const answer = await control.ask('GET', '/status', PROMPT_ANSWER_MS);
  const status = answer.kind === 'answered' ? jsonOf<Status>(answer, [200]) : undefined;
  return status?.drained?.isReturning === true;
}
