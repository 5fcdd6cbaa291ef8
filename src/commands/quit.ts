/** `baton quit`: stop now, without a drain, for Jobs. */
import {
  type AskingFace,
  COMMAND_EXIT,
  PROMPT_ANSWER_MS,
  reportOdd,
  reportUnanswered,
} from './asking.ts';

/** 0 once the agent has taken the order, 69 when no agent answers. */
export async function quit(face: AskingFace): Promise<number> {
  const answer = await face.control.ask('POST', '/quitquitquit', PROMPT_ANSWER_MS);
  switch (answer.kind) {
    case 'answered':
      if (answer.status !== 200) return reportOdd('stop the agent', answer, face);
      face.print(answer.body);
      return COMMAND_EXIT.done;
    case 'lost':
      // It was quicker to go than to answer.
      return COMMAND_EXIT.done;
    case 'noAgent':
    case 'timedOut':
      return reportUnanswered(answer, face);
  }
}
