/** What is answered to who asks for a restart, or for what one would do. */
import type { HandoverMode, Mode } from '../core/model.ts';
import type { RestartNote } from '../core/restart-progress.ts';
import type { HandoverEnd } from '../core/state.ts';
import type { HttpAnswer } from '../ports.ts';
import type { AgentFace, AskedRestart } from './agent-face.ts';
import { jsonAnswer, textAnswer } from './http-answers.ts';

/** Modes that `/restart?mode=` and `baton restart --mode` know. */
export const RESTART_MODES = ['auto', 'hot', 'side-by-side', 'cold'] as const;

/** How a restart ended: the body of the answer, the last line of it with `progress=true`. */
export interface RestartAnswer {
  readonly result: HandoverEnd['result'];
  /** Absent when it was refused without a handover. */
  readonly handover?: string | undefined;
  readonly reason?: string | undefined;
  readonly launch?: string | undefined;
  readonly mode?: HandoverMode | undefined;
  /** Why it was not hot though nobody had asked for another mode. */
  readonly modeReason?: string | undefined;
  /** Failed ones. */
  readonly attempts: number;
}

/** With `progress=true` a line of JSON for each thing that is waited for, and the end as the last. */
export async function answerRestart(face: AgentFace, query: URLSearchParams): Promise<HttpAnswer> {
  const mode = RESTART_MODES.find((one) => one === (query.get('mode') ?? 'auto'));
  if (mode === undefined) {
    return textAnswer(400, `Expected mode to be one of ${RESTART_MODES.join(', ')}.`);
  }
  if (isSet(query, 'dry-run')) return answerDryRun(face, mode);
  const asked = face.requestRestart(mode);
  if (isSet(query, 'progress')) return answerInLines(asked);
  const end = await asked.ended;
  return jsonAnswer(end.result === 'committed' ? 200 : 409, restartAnswer(end));
}

/** A slip in its value must not turn a question into an order. */
function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== 'false';
}

async function answerDryRun(face: AgentFace, mode: 'auto' | Mode): Promise<HttpAnswer> {
  const found = await face.dryRun(mode);
  if (found === undefined) return textAnswer(429, 'Another dry run is under way; ask again later.');
  return jsonAnswer(found.passed ? 200 : 409, found);
}

/** How a handover that someone asked for ended. */
export function restartAnswer(end: HandoverEnd): RestartAnswer {
  const { id: handover, result, reason, launch, mode, modeReason, attemptCount } = end;
  return { result, handover, reason, launch, mode, modeReason, attempts: attemptCount };
}

function answerInLines(asked: AskedRestart): HttpAnswer {
  const headers = { 'content-type': 'application/x-ndjson' };
  return { status: 200, headers, body: linesOf(asked) };
}

async function* linesOf({ ended, progress }: AskedRestart): AsyncGenerator<string> {
  for await (const note of progress()) yield note === undefined ? '\n' : lineOf(note);
  yield lineOf(restartAnswer(await ended));
}

function lineOf(value: RestartNote | RestartAnswer): string {
  return `${JSON.stringify(value)}\n`;
}
