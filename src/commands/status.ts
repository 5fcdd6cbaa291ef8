/** `baton status`: what the agent does, what it waits for, and what a SIGTERM would do. */
import type { Status } from '../core/status.ts';
import { type AskingFace, COMMAND_EXIT, readJson } from './asking.ts';
import { statusText } from './status-text.ts';

export interface StatusOptions {
  readonly json: boolean;
}

/** 0 when ready, 1 when not, 69 when no agent answers. */
export async function showStatus(options: StatusOptions, face: AskingFace): Promise<number> {
  const read = await readJson<Status>('/status', 'read the status', face);
  if ('exit' in read) return read.exit;
  face.print(
    options.json ? `${JSON.stringify(read.value, undefined, 2)}\n` : statusText(read.value),
  );
  return read.value.ready ? COMMAND_EXIT.done : COMMAND_EXIT.negative;
}
