/** `baton request`: a request to the admin of the serving Envoy. */
import { type AskingFace, COMMAND_EXIT, reportUnanswered } from './asking.ts';

export interface RequestOptions {
  readonly method: string;
  /** Path and query as Envoy's admin knows them, e.g. `/stats?filter=ssl`. */
  readonly path: string;
}

const ANSWER_WITHIN_MS = 60_000;

/** Prints the body of the answer. 0 for 2xx, 1 otherwise, 69 when no agent answers. */
export async function requestAdmin(options: RequestOptions, face: AskingFace): Promise<number> {
  const path = options.path.startsWith('/') ? options.path : `/${options.path}`;
  const method = options.method.toUpperCase();
  const answer = await face.control.ask(method, `/admin${path}`, ANSWER_WITHIN_MS);
  if (answer.kind !== 'answered') return reportUnanswered(answer, face);
  face.print(answer.body);
  if (answer.status >= 200 && answer.status < 300) return COMMAND_EXIT.done;
  face.complain(`The answer to ${method} ${path} was ${answer.status}.\n`);
  return COMMAND_EXIT.negative;
}
