/** What can't go to the log, which is not open yet or fails: in the same form, on standard error. */
import { exactIsoTime } from '../../core/iso-time.ts';
import type { LogRecord } from '../../core/log-record.ts';
import { visibleJson } from '../../core/visible.ts';

export interface ComplaintOptions {
  readonly format: 'json' | 'pretty';
  readonly write: (text: string) => void;
  readonly wallMs: () => number;
}

/** Takes a record, and the words for people at a terminal. */
export type Complain = (record: LogRecord, words: string) => void;

export function createComplain({ format, write, wallMs }: ComplaintOptions): Complain {
  return ({ level, message: msg, fields }, words) => {
    if (format === 'pretty') {
      write(words);
      return;
    }
    const time = exactIsoTime(wallMs());
    write(`${visibleJson(JSON.stringify({ level, time, source: 'baton', ...fields, msg }))}\n`);
  };
}
