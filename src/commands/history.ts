/** `baton history`: the last launches and handovers. */
import type { HistoryStatus } from '../core/history-status.ts';
import {
  type AskingFace,
  COMMAND_EXIT,
  jsonOf,
  PROMPT_ANSWER_MS,
  reportOdd,
  reportUnanswered,
} from './asking.ts';
import { historyText } from './history-text.ts';

export interface HistoryOptions {
  readonly json: boolean;
}

/** 0, or 69 when no agent answers. */
export async function showHistory(options: HistoryOptions, face: AskingFace): Promise<number> {
  const answer = await face.control.ask('GET', '/history', PROMPT_ANSWER_MS);
  if (answer.kind !== 'answered') return reportUnanswered(answer, face);
  const history = jsonOf<HistoryStatus>(answer, [200]);
  if (history === undefined) return reportOdd('read the history', answer, face);
  face.print(options.json ? `${JSON.stringify(history, undefined, 2)}\n` : historyText(history));
  return COMMAND_EXIT.done;
}
