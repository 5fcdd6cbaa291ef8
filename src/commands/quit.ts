/** `baton quit`: stop now, without a drain, for Jobs. */
import { type AskingFace, COMMAND_EXIT, PROMPT_ANSWER_MS, reportUnanswered } from './asking.ts';

/** 0 once the agent has taken the order, 69 when no agent answers. */
export async function quit(face: AskingFace): Promise<number> {
  const answer = await face.control.ask('POST', '/quitquitquit', PROMPT_ANSWER_MS);
  switch (answer.kind) {
    case 'answered':
      if (answer.status === 200) return COMMAND_EXIT.done;
      face.complain(`Cannot stop the agent: it answered ${answer.status}.\n`);
      return COMMAND_EXIT.negative;
    case 'lost':
      // It was quicker to go than to answer.
      return COMMAND_EXIT.done;
    case 'noAgent':
    case 'timedOut':
      return reportUnanswered(answer, face);
  }
}
