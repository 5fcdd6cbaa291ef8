/** `baton logging`: the running agent's own log level, for a while or until it is set back. */
import { durationText } from '../settings/duration.ts';
import {
  type AskingFace,
  COMMAND_EXIT,
  PROMPT_ANSWER_MS,
  reportOdd,
  reportUnanswered,
} from './asking.ts';

export interface LoggingOptions {
  /** `default`: as the settings say. */
  readonly level: string;
  readonly forMs: number | undefined;
}

/** 0 when the agent has changed it, 1 when it has refused, 69 when no agent answers. */
export async function changeLogging(
  { level, forMs }: LoggingOptions,
  face: AskingFace,
): Promise<number> {
  const time = forMs === undefined ? '' : `&for=${durationText(forMs)}`;
  const answer = await face.control.ask('POST', `/logging?level=${level}${time}`, PROMPT_ANSWER_MS);
  if (answer.kind !== 'answered') return reportUnanswered(answer, face);
  if (answer.status !== 200) return reportOdd('change the log level', answer, face);
  face.print(answer.body);
  return COMMAND_EXIT.done;
}
