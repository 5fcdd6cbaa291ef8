/** How the commands that need no running agent print and refuse. */
import { EXIT } from '../core/model.ts';
import { visible } from '../core/visible.ts';
import type { Problem } from '../ports.ts';

export interface PrintingFace {
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** One line for each problem, on standard error. @returns the exit code for wrong settings */
export function refuse(
  face: Pick<PrintingFace, 'complain'>,
  problems: readonly Problem[],
  code: number = EXIT.configuration,
): number {
  for (const { message } of problems) face.complain(`baton: ${visible(message)}\n`);
  return code;
}
