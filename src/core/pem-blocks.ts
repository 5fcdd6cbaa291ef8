/**
 * Cuts a text into its PEM blocks. A boundary counts only when it stands alone on its line. With a
 * byte order mark or two boundaries on one line Envoy can't load the file; a block with an indented
 * BEGIN line it leaves out without a word (measured on Envoy 1.40). Here all of these are defects.
 */

export interface PemBlock {
  /** What stands behind BEGIN, such as `CERTIFICATE`. */
  readonly label: string;
  /** The whole block with its boundaries. */
  readonly text: string;
}

export interface PemText {
  /** In the order of the file; those before the defect, if there is one. */
  readonly blocks: readonly PemBlock[];
  /** Why the text is not made of whole blocks; reading stops at the first reason. */
  readonly defect?: string;
}

const boundary = /^-----(BEGIN|END) ([A-Z0-9 ]+)-----$/;

/** Text around the blocks is passed over; no block at all is no defect. */
export function splitPemBlocks(text: string): PemText {
  const blocks: PemBlock[] = [];
  let open: OpenBlock | undefined;
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trimEnd();
    open?.lines.push(line);
    if (!/-----(BEGIN|END)\b/.test(line)) continue;
    const [, side, label = ''] = boundary.exec(line) ?? [];
    const defect = defectOf({ line, side, label }, open);
    if (defect !== undefined) return { blocks, defect };
    if (open === undefined) open = { label, lines: [line] };
    else {
      blocks.push({ label, text: `${open.lines.join('\n')}\n` });
      open = undefined;
    }
  }
  if (open !== undefined) return { blocks, defect: cutOff(open) };
  return endsInBegin(text) ? { blocks, defect: CUT_IN_BEGIN } : { blocks };
}

/** Cut off within a BEGIN line: what follows the whole blocks is not merely text. */
function endsInBegin(text: string): boolean {
  const lastLine = text.slice(text.lastIndexOf('\n') + 1);
  return lastLine !== '' && '-----BEGIN '.startsWith(lastLine);
}

const CUT_IN_BEGIN = 'it is cut off in a BEGIN line';

interface OpenBlock {
  readonly label: string;
  readonly lines: string[];
}

interface Boundary {
  readonly line: string;
  /** Absent when the boundary does not stand alone on its line. */
  readonly side: string | undefined;
  readonly label: string;
}

function defectOf({ line, side, label }: Boundary, open: OpenBlock | undefined) {
  if (line.startsWith(byteOrderMark)) return 'it begins with a byte order mark';
  if (side === undefined) return 'a BEGIN or END line of it does not stand alone on its line';
  if (open === undefined) return side === 'BEGIN' ? undefined : 'an END line has no BEGIN line';
  return side === 'END' && label === open.label ? undefined : cutOff(open);
}

const byteOrderMark = '\uFEFF';
const cutOff = (open: OpenBlock) => `its block ${open.label} is cut off, it has no END line`;
