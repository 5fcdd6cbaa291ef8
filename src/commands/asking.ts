/** What the commands that ask a running agent have in common. */
import type { ControlAnswer, ControlClient } from '../adapters/control-client.ts';
import type { Clock, Problem } from '../ports.ts';

/** Where a command prints, and whom it asks. */
export interface AskingFace {
  /** To standard output, as it is. */
  readonly print: (text: string | Buffer) => void;
  /** To standard error, as it is. */
  readonly complain: (text: string) => void;
  readonly control: ControlClient;
  readonly clock: Clock;
  /** What keeps a setting in the environment from being read, such as a name that is none. */
  readonly misnamed: () => readonly Problem[];
}

/** Exit codes of the commands; the agent's own are in core/model.ts. */
export const COMMAND_EXIT = { done: 0, negative: 1, noAgent: 69 } as const;

export type CommandExit = (typeof COMMAND_EXIT)[keyof typeof COMMAND_EXIT];

/** For questions that the agent answers from memory. */
export const PROMPT_ANSWER_MS = 5_000;

type AskedFace = Pick<AskingFace, 'control' | 'misnamed'>;
type Unanswered = Exclude<ControlAnswer, { readonly kind: 'answered' }>;

/** Why there was no answer, in one line; where no agent is, also which names of settings are none. */
export function unansweredText(answer: Unanswered, { control, misnamed }: AskedFace): string {
  const { socketPath } = control;
  switch (answer.kind) {
    case 'noAgent':
      return [
        `Cannot reach an agent at ${socketPath}: ${answer.reason}. BATON_RUN_DIR has to be that of the running agent.`,
        ...misnamed().map(({ message }) => message),
      ].join(' ');
    case 'lost':
      return `Cannot read the answer of the agent at ${socketPath}: ${answer.reason}.`;
    case 'timedOut':
      return `Cannot wait any longer for the agent at ${socketPath}: it has not answered in time.`;
  }
}

/** Tells why there was no answer; only where there is no agent is the exit code 69. */
export function reportUnanswered(answer: Unanswered, face: AskingFace): CommandExit {
  face.complain(`${unansweredText(answer, face)}\n`);
  return answer.kind === 'noAgent' ? COMMAND_EXIT.noAgent : COMMAND_EXIT.negative;
}
