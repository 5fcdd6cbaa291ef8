/** `baton status`: what the agent does, what it waits for, and what a SIGTERM would do. */
import type { Status } from '../core/status.ts';
import {
  type AskingFace,
  COMMAND_EXIT,
  jsonOf,
  PROMPT_ANSWER_MS,
  reportOdd,
  reportUnanswered,
} from './asking.ts';
import { statusText } from './status-text.ts';

export interface StatusOptions {
  readonly json: boolean;
}

/** 0 when ready, 1 when not, 69 when no agent answers. */
export async function showStatus(options: StatusOptions, face: AskingFace): Promise<number> {
  const answer = await face.control.ask('GET', '/status', PROMPT_ANSWER_MS);
  if (answer.kind !== 'answered') return reportUnanswered(answer, face);
  const status = jsonOf<Status>(answer, [200]);
  if (status === undefined) return reportOdd('read the status', answer, face);
  face.print(options.json ? `${JSON.stringify(status, undefined, 2)}\n` : statusText(status));
  return status.ready ? COMMAND_EXIT.done : COMMAND_EXIT.negative;
}
