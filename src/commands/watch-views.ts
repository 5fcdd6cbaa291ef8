/** How a status that is watched is shown: drawn on a terminal, or told anew when it has changed. */
import { isoTime } from '../core/iso-time.ts';
import type { Status } from '../core/status.ts';
import { age, sectionLines, statusText } from './status-text.ts';

/** What one question came to. */
export interface Look {
  readonly wallMs: number;
  /** The newest status there is, of this look or an earlier one. */
  readonly status?: Status;
  /** How old that status is. */
  readonly ageMs: number;
  /** Why there was no answer this time, in one line. */
  readonly trouble?: string;
}

/** Shows looks, one after the other. */
export interface WatchView {
  show(look: Look): void;
  /** Leaves the output as whoever comes next is to find it; a look after that begins anew. */
  leave(): void;
}

type Print = (text: string) => void;

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_REST_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/**
 * Drawn in place, on the terminal's other screen: what was there before is there again afterwards,
 * with the last look below it.
 */
export function onScreen(print: Print, size: () => ScreenSize): WatchView {
  let last: string | undefined;
  return {
    show: (look) => {
      const entering = last === undefined ? ENTER : '';
      last = textOf(look);
      const lines = fitting(last.trimEnd().split('\n'), size());
      const drawn = lines.join(`${CLEAR_REST_OF_LINE}\n`);
      print(`${entering}${HOME}${drawn}${CLEAR_REST_OF_LINE}${CLEAR_BELOW}`);
    },
    leave: () => {
      if (last !== undefined) print(`${LEAVE}${last}`);
      last = undefined;
    },
  };
}

/** A block of text for each change. */
export function changesAsText(print: Print): WatchView {
  return changes(({ wallMs, status, trouble }) => {
    const told = trouble === undefined ? status && statusText(status) : troubleText(trouble);
    print(`${isoTime(wallMs)}\n${told ?? ''}\n`);
  });
}

/** A line for each change: the status as it is, and `at`; without an answer it is not ready. */
export function changesAsJson(print: Print): WatchView {
  return changes(({ wallMs, status, trouble }) => {
    const at = isoTime(wallMs);
    const told = trouble === undefined ? status : { ready: false, reason: trouble };
    print(`${JSON.stringify({ at, ...told })}\n`);
  });
}

function changes(tell: (look: Look) => void): WatchView {
  let last: string | undefined;
  return {
    show: (look) => {
      const now = look.trouble ?? withoutTimes(look.status);
      if (now === last) return;
      last = now;
      tell(look);
    },
    leave: () => {},
  };
}

/** Equal for two statuses between which nothing has happened but that time went by. */
export function withoutTimes(status: Status | undefined): string {
  return JSON.stringify(status ?? {}, (name, value: unknown) => {
    if (name.endsWith('Seconds')) return 'seconds';
    return typeof value === 'string' ? value.replaceAll(/\b\d+(?:\.\d+)? s\b/g, 'seconds') : value;
  });
}

/** Everything that is known, with a clock in front. */
function textOf({ wallMs, ageMs, status, trouble }: Look): string {
  const old = `the status is ${age(Math.floor(ageMs / 1_000))} old`;
  const now = `${isoTime(wallMs)}${status === undefined ? '' : `, ${old}`}`;
  return [
    ...sectionLines('now', [now]),
    ...(trouble === undefined ? [] : [troubleText(trouble)]),
    '\n',
    ...(status === undefined ? [] : [statusText(status)]),
  ].join('');
}

function troubleText(trouble: string): string {
  return sectionLines('no answer', [trouble]).join('');
}

/** No line is wrapped, and none scrolls the others away. */
function fitting(lines: readonly string[], { columns, rows }: ScreenSize): readonly string[] {
  const missingCount = lines.length - rows;
  const shown =
    missingCount <= 0
      ? lines
      : [...lines.slice(0, rows - 1), `... and ${missingCount + 1} lines more`];
  // The last column stays empty: a terminal that is about to wrap would clear it.
  return shown.map((line) => (line.length < columns ? line : `${line.slice(0, columns - 4)}...`));
}
