/** What the commands that ask a running agent have in common. */
import type { ControlAnswer, ControlClient } from '../adapters/control-client.ts';
import type { Clock, Problem } from '../ports.ts';
import { durationText } from '../settings/duration.ts';

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

type Answered = Extract<ControlAnswer, { readonly kind: 'answered' }>;
type AskedFace = Pick<AskingFace, 'control' | 'misnamed'>;
type Unanswered = Exclude<ControlAnswer, Answered>;

/** Why there was no answer and what to do about it, in one line; where no agent is, also which names of settings are none. */
export function unansweredText(answer: Unanswered, { control, misnamed }: AskedFace): string {
  const { socketPath } = control;
  switch (answer.kind) {
    case 'noAgent':
      return [
        `Cannot reach an agent at ${socketPath}: ${answer.reason}. ${adviceFor(answer)}`,
        ...misnamed().map(({ message }) => message),
      ].join(' ');
    case 'lost':
      return `Cannot read the answer of the agent at ${socketPath}: ${answer.reason}. It may have ended, and may have done what it was asked for; ask again.`;
    case 'timedOut':
      return `Cannot wait any longer for the agent at ${socketPath}: it has not answered in time. It is stopped, or too busy; it may yet do what it was asked for.`;
  }
}

function adviceFor({ isDenied }: Extract<Unanswered, { readonly kind: 'noAgent' }>): string {
  return isDenied
    ? 'Ask as the user that the agent runs as, or as root.'
    : 'Start one by `baton run`, or set BATON_RUN_DIR to the run directory of the one that runs.';
}

/** Tells why there was no answer; only where there is no agent is the exit code 69. */
export function reportUnanswered(answer: Unanswered, face: AskingFace): CommandExit {
  face.complain(`${unansweredText(answer, face)}\n`);
  return answer.kind === 'noAgent' ? COMMAND_EXIT.noAgent : COMMAND_EXIT.negative;
}

/** What was answered; undefined when it is not one of these statuses, or not JSON. */
export function jsonOf<Value>(
  { status, body }: Answered,
  statuses: readonly number[],
): Value | undefined {
  if (!statuses.includes(status)) return undefined;
  try {
    return JSON.parse(body.toString()) as Value;
  } catch {
    return undefined;
  }
}

/** Tells that the agent has answered something else than it was asked for. @returns 1 */
export function reportOdd(
  what: string,
  { status, body }: Answered,
  { control, complain }: AskingFace,
): CommandExit {
  const said = body.toString().split('\n', 1)[0]?.slice(0, MOST_SHOWN) ?? '';
  const isUnknown = status === 200 || status === 404;
  complain(
    isUnknown
      ? `Cannot ${what}: the agent at ${control.socketPath} answered ${status}, so it is of another version. Use the baton that it was started from.\n`
      : `Cannot ${what}: the agent answered ${status}: ${said}\n`,
  );
  return COMMAND_EXIT.negative;
}

const MOST_SHOWN = 500;

/** Tells that the handover asked for takes longer than it was to be waited for. @returns 1 */
export function reportGoingOn(
  what: string,
  timeoutMs: number,
  { complain }: AskingFace,
): CommandExit {
  const time = durationText(timeoutMs);
  complain(
    `The ${what} has not ended within ${time}. It goes on without this command: \`baton status\` shows it now, \`baton history\` how it ended.\n`,
  );
  return COMMAND_EXIT.negative;
}

/** Asks for what the agent has in memory. When that fails it is told, and `exit` is what to end with. */
export async function readJson<Value>(
  path: string,
  what: string,
  face: AskingFace,
): Promise<{ readonly value: Value } | { readonly exit: CommandExit }> {
  const answer = await face.control.ask('GET', path, PROMPT_ANSWER_MS);
  if (answer.kind !== 'answered') return { exit: reportUnanswered(answer, face) };
  const value = jsonOf<Value>(answer, [200]);
  return value === undefined ? { exit: reportOdd(what, answer, face) } : { value };
}

/** Resolves when so much time has passed. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
