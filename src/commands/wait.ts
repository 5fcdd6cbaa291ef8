/** `baton wait`: until the agent is ready, for a start-up hold. */
import type { ControlAnswer } from '../adapters/control-client.ts';
import { type AskingFace, COMMAND_EXIT, pause, unansweredText } from './asking.ts';

export interface WaitOptions {
  readonly timeoutMs: number;
}

const ASK_EVERY_MS = 500;
const ANSWER_WITHIN_MS = 2_000;

/** Asks at least once. 0 once ready; 1 with the last reason when the time is over, also when no agent ever answered. */
export async function waitUntilReady(options: WaitOptions, face: AskingFace): Promise<number> {
  const { clock, control } = face;
  const untilMs = clock.moment().atMs + options.timeoutMs;
  for (;;) {
    const leftMs = Math.max(ASK_EVERY_MS, untilMs - clock.moment().atMs);
    const timeoutMs = Math.min(leftMs, ANSWER_WITHIN_MS);
    const answer = await control.ask('GET', '/healthz/ready', timeoutMs);
    if (answer.kind === 'answered' && answer.status === 200) return COMMAND_EXIT.done;
    if (clock.moment().atMs + ASK_EVERY_MS >= untilMs) {
      face.complain(`Not ready in time: ${reasonOf(answer, face)}\n`);
      return COMMAND_EXIT.negative;
    }
    await pause(clock, ASK_EVERY_MS);
  }
}

function reasonOf(answer: ControlAnswer, face: AskingFace): string {
  return answer.kind === 'answered' ? answer.body.toString().trim() : unansweredText(answer, face);
}
