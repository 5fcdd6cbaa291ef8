/** `baton history`: the last launches and handovers. */
import type { HistoryStatus } from '../core/history-status.ts';
import { type AskingFace, COMMAND_EXIT, readJson } from './asking.ts';
import { historyText } from './history-text.ts';

export interface HistoryOptions {
  readonly json: boolean;
}

/** 0, or 69 when no agent answers. */
export async function showHistory(options: HistoryOptions, face: AskingFace): Promise<number> {
  const read = await readJson<HistoryStatus>('/history', 'read the history', face);
  if ('exit' in read) return read.exit;
  face.print(
    options.json ? `${JSON.stringify(read.value, undefined, 2)}\n` : historyText(read.value),
  );
  return COMMAND_EXIT.done;
}
